"""What media files are called: endings of images and of videos, as parts of a pattern."""

IMAGES = "avif|bmp|gif|ico|jfif|jp2|jpe|jpeg|jpg|png|ppm|tif|tiff|webp"
VIDEOS = "3gp|avi|flv|m4v|mkv|mov|mp4|mpeg|mpg|ogv|ts|webm|wmv|y4m|yuv"
