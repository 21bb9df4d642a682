"""Many clients of every kind for a while: nothing is lost, and the memory of the programs stays flat."""
import collections
import os
import random
import threading
import time

import httpx

from harness import ALL, empty_image, messages_until_end, wait_for

SECONDS = float(os.environ.get("DARKROOM_SOAK_SECONDS", 600 if ALL else 20))
RATE = 4             # jobs a second and client: more than the worker of a busy machine does is left to the queue's limit
GROWTH = 1.15, 24e6  # by which resident memory may grow after the first third of the time: a factor, and bytes


def resident(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Crowd:
    """The clients, and what they were promised."""

    def __init__(self, server):
        self.server, self.stop = server, threading.Event()
        self.accepted, self.cancelled, self.deleted = {}, set(), set()
        self.lock, self.faults = threading.Lock(), []
        self.counts = collections.Counter()

    def post(self, http, prompt, client=None):
        body = {"prompt": prompt, **({"client_id": client} if client else {})}
        reply = http.post("/prompt", json=body)
        if reply.status_code == 429:
            self.counts["refused"] += 1
            return None
        assert reply.status_code == 200, reply.text
        with self.lock:
            self.accepted[reply.json()["prompt_id"]] = time.monotonic()
        return reply.json()["prompt_id"]

    def run(self, kind, number):
        dice = random.Random(f"{kind} {number}")
        try:
            with httpx.Client(base_url=self.server.url, timeout=60) as http:
                while not self.stop.is_set():
                    getattr(self, kind)(http, dice, f"{kind}{number}")
                    self.counts[kind] += 1
                    self.stop.wait(dice.uniform(0, 2 / RATE))
        except Exception as fault:  # told by the test, with the others'
            self.faults.append(f"{kind}: {type(fault).__name__}: {fault}")

    def submitter(self, http, dice, name):
        self.post(http, empty_image(name, color=dice.randrange(1 << 24), size=dice.choice([16, 64, 256])))

    def watcher(self, http, dice, name):
        """Sees a job from its start to its end; sometimes goes away in the middle and comes back."""
        with self.server.socket(name) as ws:
            job = self.post(http, empty_image(name, color=dice.randrange(1 << 24)), client=name)
            if job is None:
                return
            if dice.random() < 0.7:
                messages_until_end(ws, job, 120)
        # Gone without a word: the job ends all the same.

    def canceller(self, http, dice, name):
        job = self.post(http, empty_image(name, color=dice.randrange(1 << 24), size=512))
        if job is None:
            return
        how = dice.randrange(3)
        if how == 0:
            reply = http.post(f"/api/jobs/{job}/cancel")
        elif how == 1:
            reply = http.post("/interrupt", json={"prompt_id": job})
        else:
            reply = http.post("/queue", json={"delete": [job]})
        assert reply.status_code in (200, 404), (how, reply.status_code, reply.text)
        with self.lock:
            self.cancelled.add(job)

    def forgetter(self, http, dice, name):
        """Deletes a job from the history, as editors do."""
        done = [i for i in http.get("/history", params={"max_items": 20}).json() if i in self.accepted]
        if not done:
            return
        job = dice.choice(done)
        assert http.post("/history", json={"delete": [job]}).status_code == 200
        with self.lock:
            self.deleted.add(job)

    def uploader(self, http, dice, name):
        picture = dice.randbytes(dice.randrange(1, 200_000))
        reply = http.post("/upload/image", files={"image": (f"{name}-{dice.randrange(20)}.png", picture)}, data={"overwrite": "true"})
        assert reply.status_code == 200, reply.text
        stored = reply.json()
        got = http.get("/view", params={"filename": stored["name"], "subfolder": stored["subfolder"], "type": stored["type"]})
        assert got.status_code == 200 and len(got.content) > 0

    def reader(self, http, dice, name):
        path = dice.choice(["/queue", "/object_info", "/history?max_items=5", "/api/jobs?limit=10", "/system_stats", "/prompt", "/no_such_route"])
        assert http.get(path).status_code == (404 if path == "/no_such_route" else 200)


CROWD = {"submitter": 2, "watcher": 3, "canceller": 1, "forgetter": 1, "uploader": 1, "reader": 2}


def test_nothing_is_lost_and_memory_stays_flat(own):
    server = own("--max-queue", "200")
    crowd = Crowd(server)
    workers = server.worker_pids()
    threads = [threading.Thread(target=crowd.run, args=(kind, k)) for kind, count in CROWD.items() for k in range(count)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    settled = None
    while time.monotonic() - began < SECONDS:
        time.sleep(0.5)
        memory = [resident(server.process.pid), *(resident(p) for p in workers)]
        if time.monotonic() - began < SECONDS / 3:
            settled = memory  # what a warm server needs
        assert not crowd.faults, crowd.faults
    crowd.stop.set()
    for thread in threads:
        thread.join(120)
    assert not crowd.faults, crowd.faults
    wait_for(lambda: server.json("/prompt")["exec_info"]["queue_remaining"] == 0, 120, "the queue is empty")
    memory = [resident(server.process.pid), *(resident(p) for p in workers)]
    print(dict(crowd.counts), "jobs", len(crowd.accepted), "resident MB", [round(m / 1e6, 1) for m in settled], "->", [round(m / 1e6, 1) for m in memory])
    assert server.worker_pids() == workers, "no worker was replaced"

    history = server.json("/history")
    missing = [i for i in crowd.accepted if i not in history and i not in crowd.deleted and i not in crowd.cancelled]
    assert not missing, f"{len(missing)} of {len(crowd.accepted)} accepted jobs are lost"
    for job, entry in history.items():
        assert entry["status"]["status_str"] == "success" or job in crowd.cancelled, entry["status"]
    for before, after in zip(settled, memory):
        assert after < before * GROWTH[0] + GROWTH[1], f"resident memory grew from {before / 1e6:.1f} to {after / 1e6:.1f} MB"
