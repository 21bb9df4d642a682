"""The golden cases that need no diffusion model, through the real API, judged by their own comparator."""
import subprocess
import sys

from harness import DATA


def test_golden_cases_without_a_diffusion_model(server):
    done = subprocess.run(
        [sys.executable, str(DATA / "golden/compare.py"), str(DATA / "golden/cases"), "--server", server.url,
         "--tag", "image_op,mask_op,latent_op,upscale_model", "--not-tag", "float"],
        capture_output=True, text=True, timeout=900)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert done.returncode == 0 and not failed, "\n".join(failed) or done.stderr
    assert done.stdout.splitlines()[-1] == "156 passed, 0 failed"
