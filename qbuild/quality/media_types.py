"""Suffixes of media files, as alternatives of a regular expression, and the kind they stand for."""

IMAGES = "avif|bmp|gif|ico|jfif|jp2|jpe|jpeg|jpg|png|ppm|tif|tiff|webp"
VIDEOS = "3gp|avi|flv|m4v|mkv|mov|mp4|mpeg|mpg|ogv|ts|webm|wmv|y4m|yuv"
