"""Muon (Jordan et al. 2024) for matrices and convolutions, Adam for all else."""
import torch

COEFFICIENTS, ROUNDS = (3.4445, -4.7750, 2.0315), 4
AS_ADAM = 0.2  # the root mean square of what Adam changes, in learning rates (Liu et al. 2025): one rate serves both


def orthogonal(stack):
    """Matrices [N,R,C] with their singular values near one: Newton-Schulz, all rounds of it on the smaller side's products."""
    turned = stack.shape[1] > stack.shape[2]
    x = stack.mT if turned else stack
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    square, whole = x @ x.mT, None
    a, b, c = COEFFICIENTS
    for left in reversed(range(ROUNDS)):
        factor = torch.baddbmm(square, square, square, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        whole = factor if whole is None else factor @ whole
        if left:
            square = factor @ square @ factor
    x = whole @ x
    return x.mT if turned else x


class Muon(torch.optim.Optimizer):
    """matrices: what is turned, of two dimensions or more (a convolution is one row for each channel that it gives); others: what Adam learns."""

    def __init__(self, matrices, others, lr, momentum=0.95, betas=(0.9, 0.98), weight_decay=0.01):
        super().__init__([{"params": list(matrices), "matrices": True}, {"params": list(others), "matrices": False}],
                         {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (self.turn if group["matrices"] else self.adapt)(group)

    def turn(self, group):
        alike = {}  # matrices of one shape go through the products together
        for one in group["params"]:
            if one.grad is not None:
                alike.setdefault((one.shape[0], one[0].numel()), []).append(one)
        for (rows, columns), some in alike.items():
            steps = []
            for one in some:
                mean = self.state[one].setdefault("mean", torch.zeros_like(one))
                mean.lerp_(one.grad, 1 - group["momentum"])
                steps.append(one.grad.lerp(mean, group["momentum"]).reshape(rows, columns))
            rate = group["lr"] * AS_ADAM * max(rows, columns) ** 0.5
            for one, step in zip(some, orthogonal(torch.stack(steps))):
                one.mul_(1 - group["lr"] * group["weight_decay"]).sub_(step.reshape(one.shape), alpha=rate)

    def adapt(self, group):
        first, second = group["betas"]
        for one in group["params"]:
            if one.grad is None:
                continue
            state = self.state[one]
            if not state:
                state.update(step=0, mean=torch.zeros_like(one), square=torch.zeros_like(one))
            state["step"] += 1
            state["mean"].lerp_(one.grad, 1 - first)
            state["square"].mul_(second).addcmul_(one.grad, one.grad, value=1 - second)
            root = (state["square"] / (1 - second ** state["step"])).sqrt_().add_(1e-8)
            one.addcdiv_(state["mean"], root, value=-group["lr"] / (1 - first ** state["step"]))


def of_network(network, lr, **options):
    """Of all weights: tables, and layers with few channels on one side, which are a network's first and last, are Adam's."""
    turned = lambda one: one.dim() >= 2 and min(one.shape[:2]) > 8
    tables = {id(module.weight) for module in network.modules() if isinstance(module, torch.nn.Embedding)}
    matrices = [one for one in network.parameters() if turned(one) and id(one) not in tables]
    taken = {id(one) for one in matrices}
    return Muon(matrices, [one for one in network.parameters() if id(one) not in taken], lr, **options)
