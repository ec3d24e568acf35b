"""Models that draw images like those of a folder: diffusion, VAE, GAN and autoregressive."""
