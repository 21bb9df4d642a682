"""The names of samplers and schedulers: those of the worker."""

SAMPLER_NAMES = []
SCHEDULER_NAMES = []


def use(samplers, schedulers):
    SAMPLER_NAMES[:] = samplers
    SCHEDULER_NAMES[:] = schedulers


class KSampler:
    SAMPLERS = SAMPLER_NAMES
    SCHEDULERS = SCHEDULER_NAMES
