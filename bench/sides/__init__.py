"""What bench/diffusion.py measures, one kind of side a file."""
