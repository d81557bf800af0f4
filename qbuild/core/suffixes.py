"""What media files are called: endings of images and of videos, as parts of a pattern."""

IMAGES = "avif|bmp|gif|jpe?g|png|ppm|tiff?|webp"
VIDEOS = "3gp|avi|flv|m4v|mkv|mov|mp4|mpe?g|ogv|ts|webm|wmv|y4m|yuv"
