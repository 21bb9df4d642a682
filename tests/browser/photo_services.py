"""What the photo page's tests play against: a test double of the service, and the real server."""
import os

import httpx

from harness import Server, wait_for
from restore_mock import RestoreMock


class Double:
    """The test double as a `service`: work can be held in its middle."""

    width = 640

    def __init__(self):
        self.mock = RestoreMock()
        self.url = self.mock.url

    def hold(self):
        self.mock.hold_at = lambda name, stage, source, tile: source == "upscale" and tile >= 10

    def release(self):
        self.mock.release()

    def close(self):
        self.mock.release()
        self.mock.close()


class Real:
    """The real server as a `service`, or one that runs already ($DARKROOM_PHOTO_SERVICE, its address). Enlarging four times takes long
    enough to be in its middle for a while."""

    width = 1024  # of the photo that takes long

    def __init__(self, folder):
        self.url = os.environ.get("DARKROOM_PHOTO_SERVICE")
        self.server = None if self.url else Server(folder)
        if self.server:
            self.server.start()
            self.url = self.server.url
        else:
            wait_for(self._forget_all, 20, "the jobs of an earlier test are gone")

    def _forget_all(self):
        jobs = httpx.get(self.url + "/restore/jobs").json()["jobs"]
        for job in jobs:
            httpx.delete(f"{self.url}/restore/{job['job_id']}")
        return not jobs

    def hold(self):
        pass

    def release(self):
        pass

    def close(self):
        if self.server:
            self.server.stop()
            self.server.http.close()
