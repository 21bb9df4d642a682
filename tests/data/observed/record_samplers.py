"""What every sampler and every option of the sampler nodes gives on the reference server (ComfyUI 0.8.0), with a denoiser of a few lines
in place of a model, so that the numbers tell of the method alone.

    python3 record_samplers.py node DIR                      # writes the nodes that replace the model to DIR/darkroom_probe
    python3 record_samplers.py http://127.0.0.1:8188 DIR     # DIR of above inside custom_nodes; writes samplers.json, samplers.safetensors

The server needs the golden tiny_sd15 checkpoint: its weights are loaded and never used.  Latents are [1,4,3,2], seed 7.
Needs numpy and safetensors.
"""
import json
import os
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))

NODE = '''
import json, os
import numpy, torch
HERE = os.path.dirname(os.path.abspath(__file__))
calls = []

def denoised(x, sigma, mean):
    sigma = sigma.view(-1, 1, 1, 1)
    return (x * 0.36 + mean * sigma * sigma) / (0.36 + sigma * sigma) + 0.1 * torch.sin(x / (1 + sigma))

class ProbeModel:
    """A model whose denoised latent is the function above: mean 0.5 for the positive, -0.3 for the negative."""
    INPUT_TYPES = classmethod(lambda c: {"required": {"model": ("MODEL",)}})
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "run"
    def run(self, model):
        model = model.clone()
        def call(apply_model, given):
            x, sigma, kinds = given["input"], given["timestep"], given["cond_or_uncond"]
            calls.append(float(sigma[0]))
            return torch.cat([denoised(a, b, 0.5 if k == 0 else -0.3) for a, b, k in zip(x.chunk(len(kinds)), sigma.chunk(len(kinds)), kinds)])
        model.set_model_unet_function_wrapper(call)
        return (model,)

class ProbeText:
    INPUT_TYPES = classmethod(lambda c: {"required": {}})
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "run"
    def run(self):
        return ([[torch.zeros(1, 77, 768), {}]],)

class ProbeCopy:
    """The sigmas for one run alone: some samplers write into theirs, and a cached list would go on with that."""
    INPUT_TYPES = classmethod(lambda c: {"required": {"sigmas": ("SIGMAS",)}})
    RETURN_TYPES = ("SIGMAS",)
    FUNCTION = "run"
    IS_CHANGED = classmethod(lambda c, **inputs: float("nan"))
    def run(self, sigmas):
        return (sigmas.clone(),)

class ProbeResult:
    INPUT_TYPES = classmethod(lambda c: {"required": {"samples": ("LATENT",), "sigmas": ("SIGMAS",)}})
    RETURN_TYPES = ()
    OUTPUT_NODE = True
    FUNCTION = "run"
    def run(self, samples, sigmas):
        numpy.savez(os.path.join(HERE, "result.npz"), samples=samples["samples"].numpy(), sigmas=sigmas.numpy(), calls=numpy.array(calls))
        calls.clear()
        return {}

NODE_CLASS_MAPPINGS = {c.__name__: c for c in (ProbeModel, ProbeText, ProbeCopy, ProbeResult)}
'''


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


NAMES = """euler euler_cfg_pp euler_ancestral euler_ancestral_cfg_pp heun heunpp2 exp_heun_2_x0 exp_heun_2_x0_sde dpm_2 dpm_2_ancestral lms dpm_fast
dpm_adaptive dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp dpmpp_sde dpmpp_sde_gpu dpmpp_2m dpmpp_2m_cfg_pp dpmpp_2m_sde dpmpp_2m_sde_gpu
dpmpp_2m_sde_heun dpmpp_2m_sde_heun_gpu dpmpp_3m_sde dpmpp_3m_sde_gpu ddpm lcm ipndm ipndm_v deis res_multistep res_multistep_cfg_pp
res_multistep_ancestral res_multistep_ancestral_cfg_pp gradient_estimation gradient_estimation_cfg_pp er_sde seeds_2 seeds_3 sa_solver
sa_solver_pece ddim uni_pc uni_pc_bh2""".split()

SAMPLERS = {name: (name, {}, node("KSamplerSelect", sampler_name=name)) for name in NAMES}  # key: method, options, node


def option(key, class_type, method, **inputs):
    SAMPLERS[key] = (method, {k: v for k, v in inputs.items() if k not in ("model", "noise_device")}, node(class_type, **inputs))


ADAPTIVE = dict(order=3, rtol=0.05, atol=0.0078, h_init=0.05, pcoeff=0.0, icoeff=1.0, dcoeff=0.0, accept_safety=0.81, eta=0.0, s_noise=1.0)
option("adaptive.order2", "SamplerDPMAdaptative", "dpm_adaptive", **{**ADAPTIVE, "order": 2})
option("adaptive.eta", "SamplerDPMAdaptative", "dpm_adaptive", **{**ADAPTIVE, "eta": 0.7, "s_noise": 0.9})
option("adaptive.pid", "SamplerDPMAdaptative", "dpm_adaptive", **{**ADAPTIVE, "pcoeff": 0.3, "icoeff": 0.6, "dcoeff": 0.1, "rtol": 0.01, "h_init": 0.2})
option("adaptive.tight", "SamplerDPMAdaptative", "dpm_adaptive", **{**ADAPTIVE, "rtol": 0.001, "atol": 0.0001, "accept_safety": 0.95})
for st in ("midpoint", "heun"):
    option("2m_sde." + st, "SamplerDPMPP_2M_SDE", "dpmpp_2m_sde", solver_type=st, eta=0.6, s_noise=1.1, noise_device="cpu")
option("2m_sde.eta0", "SamplerDPMPP_2M_SDE", "dpmpp_2m_sde", solver_type="midpoint", eta=0.0, s_noise=1.0, noise_device="gpu")
option("2s_ancestral.opt", "SamplerDPMPP_2S_Ancestral", "dpmpp_2s_ancestral", eta=0.5, s_noise=1.2)
option("2s_ancestral.eta0", "SamplerDPMPP_2S_Ancestral", "dpmpp_2s_ancestral", eta=0.0, s_noise=1.0)
option("3m_sde.opt", "SamplerDPMPP_3M_SDE", "dpmpp_3m_sde", eta=0.5, s_noise=1.2, noise_device="cpu")
option("3m_sde.eta0", "SamplerDPMPP_3M_SDE", "dpmpp_3m_sde", eta=0.0, s_noise=1.0, noise_device="gpu")
option("sde.opt", "SamplerDPMPP_SDE", "dpmpp_sde", eta=0.5, s_noise=1.2, r=0.4, noise_device="cpu")
option("sde.eta0", "SamplerDPMPP_SDE", "dpmpp_sde", eta=0.0, s_noise=1.0, r=0.75, noise_device="gpu")
for st in ("ER-SDE", "Reverse-time SDE", "ODE"):
    for stage in (1, 2, 3):
        option(f"er_sde.{st}.{stage}", "SamplerER_SDE", "er_sde", solver_type=st, max_stage=stage, eta=1.0 if stage == 3 else 0.6,
               s_noise=1.2 if stage == 2 else 1.0)
option("euler_a.opt", "SamplerEulerAncestral", "euler_ancestral", eta=0.5, s_noise=1.2)
option("euler_a.eta0", "SamplerEulerAncestral", "euler_ancestral", eta=0.0, s_noise=1.0)
option("euler_a_cfgpp.opt", "SamplerEulerAncestralCFGPP", "euler_ancestral_cfg_pp", eta=0.5, s_noise=1.2)
option("euler_a_cfgpp.eta0", "SamplerEulerAncestralCFGPP", "euler_ancestral_cfg_pp", eta=0.0, s_noise=1.0)
option("euler_cfgpp.regular", "SamplerEulerCFGpp", "euler_cfg_pp", version="regular")
option("euler_cfgpp.alternative", "SamplerEulerCFGpp", "euler_cfg_pp", version="alternative")
for order in (1, 2, 3, 6):
    option(f"lms.{order}", "SamplerLMS", "lms", order=order)
SA = dict(model=["m", 0], eta=1.0, sde_start_percent=0.2, sde_end_percent=0.8, s_noise=1.0, predictor_order=3, corrector_order=4,
          use_pece=False, simple_order_2=False)


def sa(key, **changed):
    option(key, "SamplerSASolver", "sa_solver", **{**SA, **changed})


sa("sa.default")
sa("sa.eta0", eta=0.0)
sa("sa.pece", use_pece=True, eta=0.5)
sa("sa.orders", predictor_order=2, corrector_order=2, simple_order_2=True)
sa("sa.orders2", predictor_order=2, corrector_order=2, eta=0.0)
sa("sa.simple3", predictor_order=3, corrector_order=3, simple_order_2=True, eta=0.0)
sa("sa.nocorr", corrector_order=0, predictor_order=4, s_noise=1.2, sde_start_percent=0.0, sde_end_percent=1.0)
sa("sa.high", predictor_order=6, corrector_order=6, sde_start_percent=0.3, sde_end_percent=0.5)
sa("sa.one", predictor_order=1, corrector_order=1)
for st in ("phi_1", "phi_2"):
    option("seeds_2." + st, "SamplerSEEDS2", "seeds_2", solver_type=st, eta=0.6, s_noise=1.2, r=0.4)
option("seeds_2.eta0", "SamplerSEEDS2", "seeds_2", solver_type="phi_2", eta=0.0, s_noise=1.0, r=1.0)
option("lcm_upscale", "SamplerLCMUpscale", "lcm_upscale", scale_ratio=2.0, scale_steps=2, upscale_method="bilinear")
option("lcm_upscale.auto", "SamplerLCMUpscale", "lcm_upscale", scale_ratio=1.7, scale_steps=-1, upscale_method="bilinear")

SCHEDULES = {  # name: model, scheduler, steps, cfg
    "karras6": ("eps", "karras", 6, 2.5),
    "normal9": ("eps", "normal", 9, 1.0),
    "flow7": ("flow", "simple", 7, 2.0),
    "partial": ("eps", "9.0, 4.5, 2.0, 1.25, 0.5", 0, 2.0),
}


def run(server, workflow):
    request = urllib.request.Request(server + "/prompt", json.dumps({"prompt": workflow}).encode(), {"Content-Type": "application/json"})
    prompt = json.load(urllib.request.urlopen(request))["prompt_id"]
    while True:
        history = json.load(urllib.request.urlopen(server + "/history/" + prompt))
        if prompt in history:
            return history[prompt]["status"]["status_str"] == "success"
        time.sleep(0.05)


def record(server, folder):
    import numpy
    from safetensors.numpy import save_file
    base = {
        "c": node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.safetensors"), "eps": node("ProbeModel", model=["c", 0]),
        "flow": node("ModelSamplingSD3", model=["eps", 0], shift=3.0), "p": node("ProbeText"), "n": node("ProbeText"),
        "l": node("EmptyLatentImage", width=16, height=24, batch_size=1),
    }
    tensors, rows = {}, []
    for schedule, (model, scheduler, steps, cfg) in SCHEDULES.items():
        for key, (method, options, sampler) in SAMPLERS.items():
            sampler = json.loads(json.dumps(sampler))
            if "model" in sampler["inputs"]:
                sampler["inputs"]["model"] = [model, 0]
            sigmas = node("BasicScheduler", model=[model, 0], scheduler=scheduler, steps=steps, denoise=1.0) if steps else node("ManualSigmas", sigmas=scheduler)
            ok = run(server, {**base, "s": sigmas, "t": node("ProbeCopy", sigmas=["s", 0]), "k": sampler, "d": node("ProbeResult", samples=["x", 0], sigmas=["s", 0]),
                              "x": node("SamplerCustom", model=[model, 0], add_noise=True, noise_seed=7, cfg=cfg, positive=["p", 0], negative=["n", 0],
                                        sampler=["k", 0], sigmas=["t", 0], latent_image=["l", 0])})
            if not ok:
                print("refused:", schedule, key)
                continue
            with numpy.load(os.path.join(folder, "darkroom_probe", "result.npz")) as result:
                tensors["sigmas." + schedule] = result["sigmas"]
                tensors[schedule + "." + key] = result["samples"]
                rows.append({"key": schedule + "." + key, "schedule": schedule, "model": model, "cfg": cfg, "method": method, "options": options,
                             "calls": len(result["calls"])})
    save_file(tensors, os.path.join(HERE, "samplers.safetensors"))
    with open(os.path.join(HERE, "samplers.json"), "w") as file:
        json.dump({"about": __doc__.split("\n\n")[0].replace("\n", " "), "seed": 7, "runs": rows}, file, indent=0)


if __name__ == "__main__":
    if sys.argv[1] == "node":
        os.makedirs(os.path.join(sys.argv[2], "darkroom_probe"), exist_ok=True)
        with open(os.path.join(sys.argv[2], "darkroom_probe", "__init__.py"), "w") as file:
            file.write(NODE)
    else:
        record(sys.argv[1], sys.argv[2])
