"""Read, distort and write images and videos."""
