"""What bench/diffusion.py and bench/upscale.py measure, one kind of side a file."""
