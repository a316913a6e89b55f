"""The batch scripts on a real SLURM, brought up for this test: four nodes of one machine."""

import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

CLUSTER = pathlib.Path(__file__).resolve().parent / "cluster"
SCRIPTS = system.SOURCE / "scripts" / "slurm"
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
STOPPED = 75
PATIENCE = 600  # seconds until a job that does not end is a failure; other tests run beside

# some seconds on two cores
LONG = {"trials": 120, "grid.n": {"values": [4, 8]}, "grid.m": {"values": [10, 20, 40]}, "sampling.samples": 100000}
UNITS = 720
ENDLESS = {"trials": 1, "grid.n": 30, "grid.m": 60, "sampling.samples": 10**12}

link = pathlib.Path(f"/tmp/mcbe-slurm-link.{os.getpid()}")


def cluster(command, *more):
    subprocess.run([CLUSTER, command, link, *more], check=True, timeout=120)


def setUpModule():
    cluster("up")
    for line in (link / "env").read_text().split():
        name, _, value = line.partition("=")
        os.environ[name] = value
    # jobs see the environment of sbatch; several share two cores
    os.environ.update(OMPI_MCA_hwloc_base_binding_policy="none", MCBE=str(pathlib.Path(system.PROGRAM).resolve()))


def tearDownModule():
    cluster("down")


class Slurm(system.SystemTest):
    references = {}

    def setUp(self):
        super().setUp()
        self.out = self.dir / "out.h5"
        self.log = self.dir / "job.log"

    def whole(self, changes):
        """What an undisturbed run of the same configuration gives, computed once."""
        key = repr(changes)
        if key not in self.references:
            config = self.config(changes, "whole.yaml")
            self.references[key] = system.contents(self.run_ok(config, self.dir / "whole.h5", ranks=2, timeout=PATIENCE))
        return self.references[key]

    def call(self, *command, **environment):
        done = subprocess.run([str(part) for part in command], cwd=system.SOURCE, text=True, capture_output=True, timeout=60,
                              env={**os.environ, **environment})
        self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
        return done.stdout

    def submit(self, script, *args, options=(), **environment):
        answer = self.call("sbatch", "--parsable", f"--output={self.log}", *options, SCRIPTS / script, *args, **environment)
        return answer.strip().partition(";")[0]

    def job(self, number):
        """What SLURM says of a job: {name: value}."""
        text = self.call("scontrol", "-o", "show", "job", number)
        return dict(re.findall(r"(\w+)=(\S+)", text))

    def wait(self, number, patience=PATIENCE):
        """Wait for the end of a job; returns what SLURM says of it."""
        deadline = time.monotonic() + patience
        while (facts := self.job(number))["JobState"] not in FINAL:
            self.assertLess(time.monotonic(), deadline, f"job {number} does not end: {facts}\n{self.text()}")
            time.sleep(0.3)
        return facts

    def text(self):
        return self.log.read_text() if self.log.exists() else ""

    def wait_for_units(self):
        self.assertTrue(system.until(lambda: len(system.recorded(self.out)) >= 5), f"no units were recorded\n{self.text()}")

    def assert_complete(self, facts, changes, units):
        self.assertEqual(facts["JobState"], "COMPLETED", self.text())
        self.assert_identical(self.whole(changes), self.out)
        self.assertEqual(int(system.segments(self.out)["units"].sum()), units, "a unit was computed twice")


class Runs(Slurm):
    def test_four_nodes(self):
        job = self.submit("phase_diagram.sbatch", self.config(LONG), self.out,
                          options=("--nodes=4", "--ntasks-per-node=2", "--time=5"))
        self.assert_complete(self.wait(job), LONG, UNITS)
        hosts = system.facts(self.out)["hosts"]
        for node in ("n1", "n2", "n3", "n4"):
            self.assertIn(f"{node} x 2", hosts.decode() if isinstance(hosts, bytes) else hosts)

    def test_srun_on_one_node(self):
        job = self.submit("convergence.sbatch", self.config(LONG), self.out,
                          options=("--ntasks-per-node=3", "--time=5"), LAUNCH="srun")
        self.assert_complete(self.wait(job), LONG, UNITS)
        self.assertEqual(system.segments(self.out)["ranks"].tolist(), [3])

    def test_an_array_of_eight_and_the_merge(self):
        answer = self.call(SCRIPTS / "submit_array", 8, self.config(LONG), self.out,
                           SBATCH_OUTPUT=str(self.dir / "array-%a.log"))
        merge = re.search(r"job (\d+): merges", answer)[1]
        facts = self.wait(merge)
        logs = "".join(path.read_text() for path in self.dir.glob("*.log"))
        self.assertEqual(facts["JobState"], "COMPLETED", logs)
        self.assert_identical(self.whole(LONG), self.out)
        self.assertEqual(len(system.segments(self.out)), 9)


class Interrupted(Slurm):
    def test_the_signal_before_the_time_limit(self):
        """SLURM sends it up to a minute early: with a limit of one minute some seconds after the start."""
        changes = {**LONG, "sampling.samples": 5000000}
        job = self.submit("phase_diagram.sbatch", self.config(changes), self.out,
                          options=("--nodes=1", "--ntasks-per-node=2", "--time=1", "--signal=B:USR1@50"))
        facts = self.wait(job)
        self.assertGreater(int(facts["Restarts"]), 0, self.text())
        self.assertIn("stopped by signal USR1", self.text())
        self.assert_complete(facts, changes, UNITS)

    def test_a_limit_of_twenty_seconds(self):
        """The diagram of 3,915 cells, in pieces."""
        config = self.dir / "diagram.yaml"
        text = (system.SOURCE / "configs" / "phase_diagram.yaml").read_text()
        config.write_text(text)
        settings = ("--set", "sampling.samples=400000", "--set", "holdout.samples=100")
        job = self.submit("phase_diagram.sbatch", config, self.out, *settings, "--max-walltime", "20",
                          options=("--nodes=2", "--ntasks-per-node=2", "--time=10"))
        facts = self.wait(job, 2 * PATIENCE)
        self.assertEqual(facts["JobState"], "COMPLETED", self.text())
        self.assertGreater(int(facts["Restarts"]), 0)
        self.assertIn("stopped by time limit", self.text())
        whole = self.run_ok(config, self.dir / "whole.h5", *settings, ranks=2, timeout=PATIENCE)
        self.assert_identical(whole, self.out)
        self.assertEqual(int(system.segments(self.out)["units"].sum()), 3915)

    def test_scancel(self):
        config = self.config(LONG)
        job = self.submit("phase_diagram.sbatch", config, self.out, options=("--nodes=2", "--ntasks-per-node=2", "--time=5"))
        self.wait_for_units()
        self.call("scancel", job)
        self.assertEqual(self.wait(job)["JobState"], "CANCELLED")
        self.assertLess(len(system.recorded(self.out)), UNITS)
        self.assertTrue(system.until(lambda: self.mcbe("run", config, "-o", self.out).code == system.OK, 60))
        self.assert_identical(self.whole(LONG), self.out)

    def test_back_into_the_queue(self):
        job = self.submit("phase_diagram.sbatch", self.config(LONG), self.out,
                          options=("--nodes=2", "--ntasks-per-node=2", "--time=5"))
        self.wait_for_units()
        self.call("scontrol", "requeue", job)
        facts = self.wait(job)
        self.assertEqual(facts["Restarts"], "1")
        self.assert_complete(facts, LONG, UNITS)

    def test_jobs_that_submit_the_next_one(self):
        changes = {**LONG, "sampling.samples": 1000000}
        # the next job has the script's settings, not those given to sbatch
        script = self.dir / "resubmit.sbatch"
        text = (SCRIPTS / "resubmit.sbatch").read_text()
        script.write_text(text.replace("--ntasks-per-node=16", "--ntasks-per-node=2").replace("--output=%x.log",
                                                                                             f"--output={self.log}"))
        first = self.submit(script, self.config(changes), self.out, "--max-walltime", "4")
        deadline = time.monotonic() + PATIENCE
        while self.call("squeue", "-h", "-o", "%A").strip():
            self.assertLess(time.monotonic(), deadline, self.text())
            time.sleep(0.5)
        self.assertIn("is complete", self.text())
        self.assert_identical(self.whole(changes), self.out)
        self.assertEqual(int(system.segments(self.out)["units"].sum()), UNITS)
        self.assertGreater(len(system.segments(self.out)), 1)
        self.assertEqual(self.job(first)["ExitCode"], f"{STOPPED}:0")

    def test_a_node_that_is_lost(self):
        changes = {**LONG, "sampling.samples": 2000000}
        job = self.submit("phase_diagram.sbatch", self.config(changes), self.out,
                          options=("--nodes=2", "--ntasks-per-node=2", "--time=10", "--nodelist=n2,n3"))
        self.wait_for_units()
        cluster("lose", "n3")
        try:
            self.assertTrue(system.until(lambda: self.job(job)["Restarts"] != "0", 90), self.text())
        finally:
            cluster("restore", "n3")
        self.assert_complete(self.wait(job), changes, UNITS)

    def test_no_restart_without_progress(self):
        job = self.submit("phase_diagram.sbatch", self.config(ENDLESS), self.out, "--max-walltime", "3",
                          options=("--nodes=1", "--ntasks-per-node=1", "--time=5"))
        facts = self.wait(job)
        self.assertEqual((facts["JobState"], facts["ExitCode"], facts["Restarts"]), ("FAILED", f"{STOPPED}:0", "0"))
        self.assertIn("no unit was finished in this start", self.text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
