"""A wrong input never starts a run: one sentence, the right exit code, nothing written, the same on 1 and 4 ranks."""

import os
import pathlib
import subprocess
import sys
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_SYSTEM, BAD_USAGE, config_text

SECONDS = 2  # until the sentence stands there
TRIES = 3    # a busy machine may need longer to start four processes, but not every time


class BadInput(system.SystemTest):
    def check(self, args, code, *fragments, ranks=(None, 4), lines=1, once=True, **options):
        """The program refuses in `lines` sentences that hold all fragments, and leaves every file as it was."""
        before = system.listing(self.dir)
        message = None
        for count in ranks:
            for attempt in range(TRIES):
                result = self.mcbe(*args, ranks=count, **options)
                if result.seconds < SECONDS:
                    break
            self.assertLess(result.seconds, SECONDS)
            self.assertEqual(result.code, code, result.err)
            self.assertEqual(system.listing(self.dir), before)
            if message is None:
                message = result.err.strip()
                self.assertEqual(len(message.splitlines()), lines, message)
                for fragment in fragments:
                    self.assertIn(fragment, message)
            told = result.err.count(message)
            self.assertTrue(told == 1 if once else told >= 1, result.err)

    def refuse(self, text, *fragments, lines=1):
        """The program refuses this configuration."""
        path = self.dir / "config.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.check(["run", path, "-o", self.dir / "out.h5"], BAD_USAGE, *fragments, lines=lines)


class Configurations(BadInput):
    def test_unknown_key(self):
        self.refuse(config_text() + "trails: 3\n", "trails", "trials", "config.yaml:")

    def test_unknown_key_inside_a_group(self):
        self.refuse(config_text({"sampling.sample": 3}), "sampling.sample", "sampling.samples")

    def test_wrong_type(self):
        self.refuse(config_text({"domain.radius": [1, 2]}), "domain.radius")

    def test_number_with_a_tail(self):
        self.refuse(config_text({"sampling.samples": "1e6x"}), "sampling.samples", "1e6x")

    def test_maybe_is_no_boolean(self):
        self.refuse(config_text({"domain.nonnegative": "maybe"}), "domain.nonnegative", "maybe", "true")

    def test_unknown_word(self):
        self.refuse(config_text({"domain.kind": "spere"}), "domain.kind", "spere", "sphere")

    def test_unknown_experiment(self):
        self.refuse(config_text({"experiment": "phase_diagramm"}), "phase_diagramm", "phase_diagram")

    def test_missing_key(self):
        self.refuse(config_text(drop=["grid.n"]), "grid.n")

    def test_duplicate_key(self):
        self.refuse(config_text() + "seed: 3\n", "seed")

    def test_no_cell_left(self):
        self.refuse(config_text({"grid.n": [10, 12], "grid.m": [2, 5]}), "grid.")

    def test_too_many_rows(self):
        self.refuse(config_text({"grid.m": [3, 200000]}), "grid.m", "200000", "131072")

    def test_no_samples(self):
        for samples in (0, -1):
            with self.subTest(samples):
                self.refuse(config_text({"sampling.samples": samples}), "sampling.samples", str(samples))

    def test_biases_of_one_name(self):
        biases = [{"name": "zero", "kind": "constant", "value": value} for value in (0, 1)]
        self.refuse(config_text({"biases": biases}), "biases", "zero")

    def test_inner_radius_not_inside(self):
        self.refuse(config_text({"domain.kind": "shell", "domain.radius": 1, "domain.inner_radius": 1}),
                    "domain.inner_radius")

    def test_all_errors_at_once(self):
        self.refuse(config_text({"sampling.samples": 0, "domain.kind": "spere", "trails": 1}), "sampling.samples",
                    "domain.kind", "trails", lines=3)

    def test_empty_file(self):
        self.refuse("", "config.yaml")

    def test_not_yaml(self):
        self.refuse(bytes(range(256)), "config.yaml")

    def test_unclosed_bracket(self):
        self.refuse("grid: {n: [2, 3\n", "config.yaml")

    def test_directory_as_configuration(self):
        self.check(["run", self.dir, "-o", self.dir / "out.h5"], BAD_USAGE, str(self.dir))

    def test_missing_configuration(self):
        self.check(["run", self.dir / "none.yaml", "-o", self.dir / "out.h5"], BAD_USAGE, "none.yaml")


class CommandLines(BadInput):
    """Without a command that uses MPI nobody knows of the others, so each process tells (once=False)."""

    def test_unknown_command(self):
        self.check(["runn", self.config()], BAD_USAGE, "runn", "did you mean 'run'", once=False)

    def test_no_command(self):
        self.check([], BAD_USAGE, "mcbe", once=False)

    def test_unknown_option(self):
        self.check(["run", self.config(), "-o", self.dir / "out.h5", "--frsh"], BAD_USAGE, "--frsh")

    def test_option_without_its_value(self):
        self.check(["run", self.config(), "-o"], BAD_USAGE, "-o")

    def test_no_configuration(self):
        self.check(["run", "-o", self.dir / "out.h5"], BAD_USAGE)

    def test_set_without_equals_sign(self):
        self.check(["run", self.config(), "-o", self.dir / "out.h5", "--set", "trials"], BAD_USAGE, "trials", "=")

    def test_set_of_a_wrong_value(self):
        self.check(["run", self.config(), "-o", self.dir / "out.h5", "--set", "trials=none"], BAD_USAGE, "trials", "none")

    def test_unknown_instruction_set(self):
        self.check(["run", self.config(), "-o", self.dir / "out.h5"], BAD_USAGE, "MCBE_CPU", "nonsense", "generic",
                   env={"MCBE_CPU": "nonsense"})

    def test_n_singletons(self):
        for name in ("OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "PMI_SIZE"):
            with self.subTest(name):
                self.check(["run", self.config(), "-o", self.dir / "out.h5"], BAD_USAGE, name, "4", ranks=[None],
                           env={name: "4"})


class Outputs(BadInput):
    def setUp(self):
        super().setUp()
        self.folder = self.dir / "results"
        self.folder.mkdir()
        self.out = self.folder / "out.h5"

    def refuse_output(self, code, *fragments, **options):
        self.check(["run", self.config(), "-o", self.out], code, *fragments, **options)

    def test_folder_does_not_exist(self):
        self.out = self.dir / "nowhere" / "out.h5"
        self.refuse_output(BAD_SYSTEM, "nowhere")

    def test_folder_is_read_only(self):
        self.folder.chmod(0o555)
        # root writes anywhere unless it gives up the right to
        prefix = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
        if prefix and subprocess.run([*prefix, "test", "-w", self.folder], check=False).returncode != 1:
            self.skipTest("root cannot give up its rights here")
        self.refuse_output(BAD_SYSTEM, str(self.folder), prefix=prefix)

    def test_output_is_a_folder(self):
        self.out.mkdir()
        self.refuse_output(BAD_SYSTEM, "out.h5")

    def test_not_hdf5(self):
        self.out.write_text("my notes\n")
        self.refuse_output(BAD_FILE, "out.h5")

    def test_hdf5_of_somebody_else(self):
        with h5py.File(self.out, "w") as file:
            file["x"] = [1.0, 2.0]
        self.refuse_output(BAD_FILE, "out.h5", "mcbe")

    def test_truncated(self):
        self.run_ok(self.config(), self.out)
        whole = self.out.read_bytes()
        for share in (0.01, 0.5, 0.99):
            with self.subTest(share):
                self.out.write_bytes(whole[:int(share * len(whole))])
                self.refuse_output(BAD_FILE, "out.h5")

    def test_newer_version(self):
        self.run_ok(self.config(), self.out)
        with h5py.File(self.out, "r+") as file:
            major, minor = file.attrs["version"]
            file.attrs.modify("version", [major + 1, minor])
        self.refuse_output(BAD_FILE, "out.h5", f"{major + 1}.{minor}")

    def test_another_configuration(self):
        self.run_ok(self.config({"seed": 4}), self.out)
        self.refuse_output(BAD_USAGE, "'seed'", "4", str(system.BASE["seed"]), lines=2)

    def test_foreign_journal(self):
        (self.folder / "out.h5.journal").write_text("my notes\n" * 100)
        self.refuse_output(BAD_FILE, "out.h5.journal")


class FullDisk(system.SystemTest):
    def setUp(self):
        super().setUp()
        self.disk = self.dir / "disk"
        self.disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", self.disk], check=False,
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest("mounting a small file system is not permitted here")
        self.addCleanup(subprocess.run, ["umount", self.disk], check=True)

    def fill(self, leave):
        """Fill the disk up to some bytes; returns the file that does it."""
        filler = self.disk / "filler"
        status = os.statvfs(self.disk)
        filler.write_bytes(bytes(status.f_bavail * status.f_frsize - leave))
        return filler

    def test_the_run_ends_and_keeps_what_was_there(self):
        for ranks in (None, 4):
            with self.subTest(ranks=ranks):
                out = self.run_ok(self.config(), self.disk / f"{ranks}.h5")
                before = out.read_bytes()
                filler = self.fill(leave=8192)
                more = self.config({"trials": 100})
                result = self.mcbe("run", more, "-o", out, ranks=ranks)
                self.assertEqual(result.code, BAD_SYSTEM, result.err)
                self.assertEqual(result.err.count("No space left on device"), 1, result.err)
                self.assertEqual(out.read_bytes(), before)
                filler.unlink()
                self.run_ok(more, out, ranks=ranks)
                self.assert_identical(self.compute({"trials": 100}), out)
                out.unlink()

    def test_no_room_for_the_first_file(self):
        self.fill(leave=0)
        result = self.mcbe("run", self.config(), "-o", self.disk / "out.h5")
        self.assertEqual(result.code, BAD_SYSTEM, result.err)
        self.assertFalse((self.disk / "out.h5").exists())


if __name__ == "__main__":
    unittest.main()
