"""Cases of patches of guidance and of self-attention (guidance/), watched as record_diffusion.py tells.

    python3 record_guidance.py http://127.0.0.1:8188 [GLOB...]
"""
import record_diffusion as watched
from record_diffusion import SD2, SD15, SDXL, case, main, node, sampled, scene

watched.CASES.clear()


def guided(name, title, *patches, model=SD15, width=64, height=64, batch=1, tags=(), **run):
    """`patches`: (class, inputs), each on the model that the one before gives."""
    nodes, link = scene(model, width, height, batch), ("m", 0)
    for i, (kind, inputs) in enumerate(patches):
        nodes[f"g{i}"] = node(kind, model=link, **inputs)
        link = (f"g{i}", 0)
    case(f"guidance/{name}", title, {**nodes, **sampled(model=link, **{"steps": 3, "cfg": 5.0, **run})}, ("k", 0), tags=["model_patch", *tags])


def apg(eta=0.7, threshold=5.0, momentum=0.0):
    return "APG", {"eta": eta, "norm_threshold": threshold, "momentum": momentum}


def tsr(k=0.7, sigma=1.5):
    return "TemporalScoreRescaling", {"tsr_k": k, "tsr_sigma": sigma}


def fresca(low=0.6, high=1.6, cutoff=2):
    return "FreSca", {"scale_low": low, "scale_high": high, "freq_cutoff": cutoff}


TCFG, MAHIRO, ZERO, NORM = ("TCFG", {}), ("Mahiro", {}), ("CFGZeroStar", {}), ("CFGNorm", {"strength": 0.9})
RESCALE = ("RescaleCFG", {"multiplier": 0.6})

guided("apg", "APG", apg(), tags=["smoke"])
guided("apg_momentum", "APG with momentum, not cut, a batch", apg(0.3, 0.0, -0.5), batch=2, steps=4, sampler="dpmpp_2m")
guided("apg_heun", "APG with momentum where sigmas are asked for twice; v-prediction", apg(1.4, 3.0, 0.4), model=SD2, sampler="heun", tags=["sd2"])
guided("apg_cfg1", "APG at scale 1", apg(), cfg=1.0)
guided("apg_cfg_pp", "APG under a sampler that uses the negative", apg(0.2, 2.0), sampler="euler_cfg_pp", cfg=2.0)
guided("apg_rescale", "APG and RescaleCFG", apg(), RESCALE, batch=2)
guided("apg_sdxl", "APG on SDXL", apg(0.0, 8.0), model=SDXL, steps=2, tags=["sdxl"])
guided("tcfg", "TCFG, a batch", TCFG, batch=2, tags=["smoke"])
guided("tcfg_cfg_pp", "TCFG under a sampler that uses the negative", TCFG, sampler="dpmpp_2m_cfg_pp", cfg=1.5)
guided("tcfg_cfg_pp1", "TCFG under such a sampler at scale 1", TCFG, sampler="euler_ancestral_cfg_pp", cfg=1.0)
guided("tcfg_v", "TCFG with v-prediction", TCFG, model=SD2, tags=["sd2"])
guided("tcfg_sdxl", "TCFG on SDXL", TCFG, model=SDXL, steps=2, tags=["sdxl"])
guided("fresca", "FreSca, a wide latent", fresca(), width=96, height=64, tags=["smoke"])
guided("fresca_all", "FreSca with a cutoff beyond the latent, a batch", fresca(0.5, 2.0, 20), batch=2)
guided("fresca_odd", "FreSca on odd sides, after TCFG", TCFG, fresca(1.0, 1.25, 3), width=72, height=88)
guided("fresca_v", "FreSca with v-prediction", fresca(1.3, 0.4, 1), model=SD2, sampler="dpmpp_sde", tags=["sd2"])
guided("cfgnorm", "CFGNorm", NORM, batch=2)
guided("cfgnorm_rescale", "CFGNorm after RescaleCFG, v-prediction", RESCALE, NORM, model=SD2, tags=["sd2"])
guided("mahiro", "Mahiro: pictures of a batch share its share", MAHIRO, batch=2, tags=["smoke"])
guided("mahiro_cfg1", "Mahiro at scale 1", MAHIRO, cfg=1.0)
guided("mahiro_sdxl", "Mahiro on SDXL, with PAG before it", ("PerturbedAttentionGuidance", {"scale": 2.0}), MAHIRO, model=SDXL, steps=2, tags=["sdxl"])
guided("mahiro_tcfg", "Mahiro and TCFG, a sampler that uses the negative", MAHIRO, TCFG, sampler="euler_cfg_pp", cfg=3.0)
guided("zero_star", "CFGZeroStar, a batch", ZERO, batch=2)
guided("zero_star_rescale", "CFGZeroStar after RescaleCFG", RESCALE, ZERO)
guided("zero_star_cfg1", "CFGZeroStar at scale 1", ZERO, cfg=1.0)
guided("tsr", "TSR", tsr(), tags=["smoke"])
guided("tsr_smooth", "TSR above 1, an ancestral sampler", tsr(3.0, 0.4), sampler="euler_ancestral", steps=4)
guided("tsr_v", "TSR with v-prediction", tsr(), model=SD2, tags=["sd2"])
guided("tsr_flow", "TSR on a flow", ("ModelSamplingSD3", {"shift": 3.0}), tsr(0.5, 1.0), tags=["flow"])
guided("tsr_cfg1", "TSR at scale 1 with CFGNorm", tsr(), NORM, cfg=1.0)


def tome(ratio=0.5):
    return "TomePatchModel", {"ratio": ratio}


def hypertile(tile=32, swap=3, depth=0, scale=False):
    return "HyperTile", {"tile_size": tile, "swap_size": swap, "max_depth": depth, "scale_depth": scale}


guided("tome", "ToMe", tome(), tags=["smoke"])
guided("tome_wide", "ToMe on odd sides, a batch", tome(0.3), width=104, height=72, batch=2)
guided("tome_all", "ToMe of all that can be merged, an ancestral sampler", tome(1.0), sampler="euler_ancestral", width=96)
guided("tome_seed", "ToMe with another seed, at scale 1", tome(), seed=2**40 + 3, cfg=1.0)
guided("tome_sdxl", "ToMe on SDXL", tome(), model=SDXL, width=128, height=64, steps=2, tags=["sdxl"])
guided("hypertile", "HyperTile", hypertile(), width=96, height=96, tags=["smoke"])
guided("hypertile_wide", "HyperTile on an oblong latent, a batch, many sizes", hypertile(swap=8), width=192, height=96, batch=2)
guided("hypertile_deep", "HyperTile at halved sizes too", hypertile(depth=1), width=192, height=192, steps=2)
guided("hypertile_scaled", "HyperTile with larger tiles at halved sizes", hypertile(depth=1, scale=True, swap=6), width=192, height=192, steps=2, model=SD2, tags=["sd2"])
guided("hypertile_tome", "HyperTile and ToMe", tome(0.4), hypertile(depth=1), width=96, height=96)
case("guidance/tome_index", "ToMe where the noise was drawn by batch indices",
     {**scene(SD15, batch=4), "b": node("LatentFromBatch", samples=("l", 0), batch_index=2, length=2), "g": node("TomePatchModel", model=("m", 0), ratio=0.5),
      **sampled(model=("g", 0), latent=("b", 0))}, ("k", 0), tags=["model_patch"])

# What a model's output means, and what its latents are like.
guided("means_image", "ModelSamplingDiscrete: the output is the picture", ("ModelSamplingDiscrete", {"sampling": "img_to_img", "zsnr": False}), cfg=2.0, tags=["custom_sampling"])
guided("means_playground", "ModelSamplingContinuousEDM: Playground v2.5, whose latents are normalised", ("ModelSamplingContinuousEDM", {"sampling": "edm_playground_v2.5", "sigma_max": 80.0, "sigma_min": 0.002}),
       model=SDXL, steps=2, tags=["sdxl"])
guided("means_cosmos", "ModelSamplingContinuousEDM: a flow in the terms of added noise", ("ModelSamplingContinuousEDM", {"sampling": "cosmos_rflow", "sigma_max": 80.0, "sigma_min": 0.002}), sampler="euler_ancestral")
guided("means_lcm", "ModelSamplingDiscrete: a consistency model, with its sampler", ("ModelSamplingDiscrete", {"sampling": "lcm", "zsnr": False}), sampler="lcm", cfg=1.5)
case("guidance/means_playground_latent", "Playground v2.5 from a latent, by less than all",
     {**scene(SDXL), "x": node("LoadLatent", latent="ga_lat1.latent"), "g": node("ModelSamplingContinuousEDM", model=("m", 0), sampling="edm_playground_v2.5", sigma_max=80.0, sigma_min=0.002),
      **sampled(model=("g", 0), latent=("x", 0))}, ("k", 0), tags=["model_patch", "sdxl"])
watched.CASES["guidance/means_playground_latent"][1]["k"]["inputs"]["denoise"] = 0.5

if __name__ == "__main__":
    main()
