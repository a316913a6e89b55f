"""The logic of the batch scripts, without SLURM: what they do for every way in which mcbe may end."""

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

SCRIPTS = system.SOURCE / "scripts" / "slurm"

# Writes down how it is called; `run` ends with the next code of a list and finishes one unit if that is not 75 or
# 1 more if "progress" says so, `show` tells how many are finished.
FAKE_MCBE = """#!/bin/bash
echo "mcbe $*" >>"$FAKE/calls"
case $1 in
show) echo "  \\"units_done\\": $(cat "$FAKE/units")," ;;
run)
    for ((i = 2; i <= $#; i++)); do [ "${!i}" = -o ] && i=$((i + 1)) && touch "${!i}"; done
    expr "$(cat "$FAKE/units")" + "$(cat "$FAKE/progress")" >"$FAKE/sum"
    mv "$FAKE/sum" "$FAKE/units"
    exit "$(cat "$FAKE/code")" ;;
esac
"""
FAKE_TOOL = """#!/bin/bash
echo "${0##*/} $*" >>"$FAKE/calls"
[ "${0##*/}" != sbatch ] || echo $(($(grep -c ^sbatch "$FAKE/calls") + 99))
"""
FAKE_MPIRUN = """#!/bin/bash
echo "mpirun" >>"$FAKE/calls"
exec "$@"
"""


class Scripts(system.SystemTest):
    def setUp(self):
        super().setUp()
        for name, text in (("mcbe", FAKE_MCBE), ("scontrol", FAKE_TOOL), ("sbatch", FAKE_TOOL), ("mpirun", FAKE_MPIRUN),
                           ("srun", '#!/bin/bash\necho "srun $*" >>"$FAKE/calls"\nshift 2\nexec "$@"\n')):
            (self.dir / name).write_text(text)
            (self.dir / name).chmod(0o755)
        (self.dir / "config.yaml").write_text("")
        self.out = self.dir / "out.h5"

    def run_script(self, script, *args, code=0, progress=1, units=3, **environment):
        for name, value in (("code", code), ("progress", progress), ("units", units)):
            (self.dir / name).write_text(str(value))
        (self.dir / "calls").write_text("")
        self.out.touch()
        env = {"PATH": f"{self.dir}:/usr/bin:/bin", "FAKE": str(self.dir), "SLURM_JOB_ID": "42",
               "SLURM_SUBMIT_DIR": str(system.SOURCE), **environment}
        return subprocess.run(["bash", SCRIPTS / script, *map(str, args)], text=True, capture_output=True, timeout=30, env=env)

    def calls(self):
        return (self.dir / "calls").read_text().splitlines()

    def called(self, program):
        return [line for line in self.calls() if line.startswith(program)]


class Syntax(system.SystemTest):
    def test_every_script_is_bash_and_asks_for_its_options(self):
        for path in SCRIPTS.iterdir():
            with self.subTest(path.name):
                done = subprocess.run(["bash", "-n", path], text=True, capture_output=True)
                self.assertEqual(done.returncode, 0, done.stderr)
        for path in SCRIPTS.glob("*.sbatch"):
            if path.name != "merge.sbatch":
                text = path.read_text()
                self.assertIn("#SBATCH --signal=B:USR1@", text)
                self.assertIn("#SBATCH --open-mode=append", text)


class Ends(Scripts):
    def test_complete(self):
        done = self.run_script("phase_diagram.sbatch", self.dir / "config.yaml", self.out, "--set", "trials=3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"mcbe run {self.dir}/config.yaml -o {self.out} --set trials=3", self.calls())
        self.assertEqual(self.called("mpirun"), ["mpirun"])
        self.assertEqual(self.called("scontrol"), [])

    def test_stopped_early_or_killed_goes_back_into_the_queue(self):
        for code in (75, 137, 1):
            done = self.run_script("convergence.sbatch", self.dir / "config.yaml", self.out, code=code)
            self.assertEqual(done.returncode, code)
            self.assertEqual(self.called("scontrol"), ["scontrol requeue 42"])
            self.assertIn("restart 1 of at most 20", done.stdout)

    def test_not_without_progress(self):
        done = self.run_script("phase_diagram.sbatch", self.dir / "config.yaml", self.out, code=75, progress=0)
        self.assertEqual(done.returncode, 75)
        self.assertEqual(self.called("scontrol"), [])
        self.assertIn("no unit was finished in this start (3 in all)", done.stderr)

    def test_a_launch_that_fails_is_tried_three_times(self):
        done = self.run_script("phase_diagram.sbatch", self.dir / "config.yaml", self.out, code=205, progress=0)
        self.assertEqual(done.returncode, 205)
        self.assertEqual(len(self.called("mcbe run")), 3)
        self.assertEqual(self.called("scontrol"), [])
        self.assertIn("launching again, try 3 of 3", done.stdout)

    def test_not_for_errors_that_stay(self):
        for code in (64, 65, 74):
            done = self.run_script("phase_diagram.sbatch", self.dir / "config.yaml", self.out, code=code)
            self.assertEqual(done.returncode, code)
            self.assertEqual(self.called("scontrol"), [])

    def test_not_for_ever(self):
        done = self.run_script("phase_diagram.sbatch", self.dir / "config.yaml", self.out, code=75, SLURM_RESTART_COUNT="20")
        self.assertEqual(done.returncode, 75)
        self.assertEqual(self.called("scontrol"), [])
        self.assertIn("after 20 restarts, the most allowed", done.stderr)

    def test_resubmission_counts_on(self):
        done = self.run_script("resubmit.sbatch", self.dir / "config.yaml", self.out, "--set", "seed=3", code=75,
                               MCBE_RESTARTS="4")
        self.assertEqual(done.returncode, 75)
        self.assertIn("restart 5 of at most 20", done.stdout)
        call, = self.called("sbatch")
        self.assertIn("--dependency=afterany:42", call)
        self.assertTrue(call.endswith(f"resubmit.sbatch {self.dir}/config.yaml {self.out} --set seed=3"), call)

    def test_a_task_of_an_array_is_a_shard(self):
        array = {"SLURM_ARRAY_JOB_ID": "40", "SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_MIN": "0",
                 "SLURM_ARRAY_TASK_MAX": "7", "SLURM_ARRAY_TASK_COUNT": "8"}
        shard = self.dir / "out.shard-2-of-8.h5"
        shard.touch()
        done = self.run_script("array.sbatch", self.dir / "config.yaml", self.out, code=75, **array)
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertIn(f"mcbe run {self.dir}/config.yaml -o {shard} --shard 2/8", self.calls())
        self.assertEqual(self.called("scontrol"), ["scontrol requeue 40_2"])
        done = self.run_script("array.sbatch", self.dir / "config.yaml", self.out, **{**array, "SLURM_ARRAY_TASK_COUNT": "3"})
        self.assertEqual(done.returncode, 64)
        self.assertIn("a whole array that counts from 0", done.stderr)

    def test_srun_gets_its_options(self):
        self.run_script("phase_diagram.sbatch", self.dir / "config.yaml", self.out, LAUNCH="srun")
        self.assertEqual(self.called("srun"),
                         [f"srun -K1 --mpi=pmix mcbe run {self.dir}/config.yaml -o {self.out}"])


class Users(Scripts):
    def test_what_is_missing_is_named(self):
        done = self.run_script("phase_diagram.sbatch", self.dir / "none.yaml", self.out)
        self.assertEqual(done.returncode, 64)
        self.assertIn("there is no configuration", done.stderr)
        done = self.run_script("phase_diagram.sbatch", self.dir / "config.yaml", self.out, MCBE="/no/mcbe")
        self.assertEqual(done.returncode, 64)
        self.assertIn("there is no program /no/mcbe", done.stderr)
        done = self.run_script("phase_diagram.sbatch", self.dir / "config.yaml", self.out, LAUNCH="nolauncher -x")
        self.assertEqual(done.returncode, 64)
        self.assertIn("nolauncher", done.stderr)
        self.assertEqual(self.called("mcbe run"), [])

    def test_an_array_and_its_merge_are_submitted_together(self):
        done = self.run_script("submit_array", 8, self.dir / "config.yaml", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        array, merge = self.called("sbatch")
        self.assertIn("--array=0-7", array)
        self.assertIn("--dependency=afterok:100", merge)
        self.assertTrue(merge.endswith(f"merge.sbatch {self.out} 8"))
        for number in ("0", "x", ""):
            self.assertEqual(self.run_script("submit_array", number).returncode, 64)


if __name__ == "__main__":
    unittest.main(verbosity=2)
