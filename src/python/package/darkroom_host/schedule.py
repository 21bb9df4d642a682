"""model_sampling of a model: between sigmas, timesteps and shares of a run; and the arithmetic of a prediction."""
import _darkroom


class ModelSampling:
    """Of the ModelPatcher `owner`."""

    sigma_data = 1.0
    num_timesteps = 1000

    def __init__(self, owner):
        self.owner = owner
        self._info = None
        self._sigmas = None

    @property
    def info(self):
        if self._info is None:
            self._info = _darkroom.model_info(self.owner)
        return self._info

    @property
    def sigmas(self):
        """[1000], rising."""
        if self._sigmas is None:
            self._sigmas = _darkroom.model_sigmas(self.owner)
        return self._sigmas

    @property
    def log_sigmas(self):
        return self.sigmas.log()

    @property
    def sigma_min(self):
        return self.sigmas[0]

    @property
    def sigma_max(self):
        return self.sigmas[-1]

    def timestep(self, sigma):
        return _each(sigma, lambda one: _darkroom.model_timestep(self.owner, one)).round().long()

    def sigma(self, timestep):
        return _each(timestep, lambda one: _darkroom.model_sigma(self.owner, one)).float()

    def percent_to_sigma(self, percent):
        """A float: huge at 0 and before, 0 at 1 and after."""
        if percent <= 0.0:
            return 999999999.9
        return 0.0 if percent >= 1.0 else _darkroom.model_percent_to_sigma(self.owner, float(percent))

    def calculate_input(self, sigma, noise):
        return noise / (_beside(sigma, noise) ** 2 + self.sigma_data**2) ** 0.5

    def calculate_denoised(self, sigma, model_output, model_input):
        sigma = _beside(sigma, model_output)
        if self.info["prediction"] != "v_prediction":
            return model_input - model_output * sigma
        square = sigma**2 + self.sigma_data**2
        return model_input * self.sigma_data**2 / square - model_output * sigma * self.sigma_data / square**0.5

    def noise_scaling(self, sigma, noise, latent_image, max_denoise=False):
        sigma = _beside(sigma, noise)
        return noise * ((1.0 + sigma**2) ** 0.5 if max_denoise else sigma) + latent_image

    def inverse_noise_scaling(self, sigma, latent):
        return latent


def _each(numbers, function):
    import torch

    numbers = torch.as_tensor(numbers)
    return torch.tensor([function(float(one)) for one in numbers.flatten()], dtype=torch.float64).reshape(numbers.shape).to(numbers.device)


def _beside(sigma, tensor):
    return sigma.reshape(sigma.shape[:1] + (1,) * (tensor.ndim - 1)) if getattr(sigma, "ndim", 0) else sigma
