"""estimate, Domain, p_injective, hamming, certificate, refute and lower against NumPy and known values."""

import math
import sys
import threading
import time
import unittest

import mcbe
import numpy as np

TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / math.sqrt(3)
OCTAHEDRON = np.vstack([np.eye(3), -np.eye(3)])


def among_largest(c, n):
    """[m][points]: +inf where a row is not among the n largest."""
    largest = np.zeros(c.shape, bool)
    np.put_along_axis(largest, np.argsort(-c, axis=0, kind="stable")[:n], True, axis=0)
    return np.where(largest, c, np.inf)


def gaussian(m, n, seed=0):
    return np.random.default_rng(seed).standard_normal((m, n))


class Estimates(unittest.TestCase):
    def test_the_tetrahedron(self):
        """alpha* of the unit sphere is -1/sqrt(3) in every row (thesis, Example 4.1.1); points come near it from above."""
        for domain, exact in (("sphere", -1 / math.sqrt(3)), (mcbe.Domain.ball(2), -2 / math.sqrt(3)),
                              (mcbe.Domain.shell(0.5, 3), -3 / math.sqrt(3))):
            found = mcbe.estimate(TETRAHEDRON, domain, 200_000)
            self.assertTrue((found.alpha >= exact - 1e-12).all(), found.alpha)
            self.assertTrue((found.alpha < exact + 0.02 * abs(exact)).all(), found.alpha)

    def test_witnesses_show_every_entry(self):
        """alpha* over all drawn points, by brute force, for every design."""
        W = gaussian(20, 4)
        data = gaussian(50, 4, 1).astype(np.float32)
        cases = [("sphere", "iid"), ("sphere", "paired"), ("gaussian", "iid"), ("gaussian", "paired"),
                 (mcbe.Domain.ball(2.0, radial="sampled"), "iid"), (mcbe.Domain.smoothing(data, 0.3), "iid"),
                 (mcbe.Domain.smoothing(data, 0.3), "crossed"), (mcbe.Domain.smoothing(data, 0.3), "crossed_small"),
                 (mcbe.Domain.kde(data, "full"), "crossed")]
        for domain, design in cases:
            with self.subTest(domain=domain, design=design):
                found = mcbe.estimate(W, domain, 3000, 5, design=design)
                c = W @ found.coordinates(np.arange(3000)).T
                values = among_largest(c, 4)
                np.testing.assert_allclose(found.direction, values.min(axis=1), rtol=0, atol=1e-12)
                np.testing.assert_array_equal(found.witness, np.where(np.isinf(found.direction), -1,
                                                                      values.argmin(axis=1)))
                x = found.witness_points()
                there = found.witness >= 0
                np.testing.assert_allclose((W * x).sum(1)[there], found.direction[there], rtol=0, atol=1e-12)
                self.assertEqual(found.min_active, (c >= -1e-12).sum(axis=0).min())
                self.assertEqual(found.samples, 3000)

    def test_an_estimator_that_is_kept(self):
        """Other weights, points and shapes one after the other, the same as each alone."""
        data = gaussian(50, 4, 1).astype(np.float32)
        for domain, design in ((mcbe.Domain.smoothing(data, 0.3), "crossed_small"), ("sphere", "auto"), ("gaussian", "iid")):
            kept = mcbe.Estimator(domain, 700, design=design)
            for trial, (m, kind) in enumerate([(20, np.float32), (20, np.float64), (9, np.float32), (20, np.float32)]):
                W = gaussian(m, 4, trial).astype(kind)
                found = kept(W, 5, trial)
                alone = mcbe.estimate(W, domain, 700, 5, trial=trial, design=design, count_updates=False)
                with self.subTest(domain=domain, trial=trial):
                    for name in ("alpha", "direction", "witness"):
                        self.assertEqual(getattr(found, name).tobytes(), getattr(alone, name).tobytes())
                    self.assertEqual((found.samples, found.updates, found.last_update, found.min_active), (
                        alone.samples, alone.updates, alone.last_update, alone.min_active))
        with self.assertRaisesRegex(mcbe.ArgumentError, "its data are of dimension 4"):
            mcbe.Estimator(mcbe.Domain.smoothing(data, 0.3))(gaussian(9, 3))
        with self.assertRaisesRegex(mcbe.ArgumentError, "the crossed design adds noise to data"):
            mcbe.Estimator("sphere", design="crossed_small")(gaussian(9, 3))

    def test_rows_never_among_the_largest(self):
        W = np.vstack([np.eye(2), -np.eye(2), 1e-6 * np.eye(2)])
        found = mcbe.estimate(W, "sphere", 1000)
        self.assertEqual(found.unconstrained, 2)
        self.assertTrue(np.isposinf(found.alpha[4:]).all() and (found.witness[4:] == -1).all())
        self.assertTrue(np.isnan(found.witness_points()[4:]).all())

    def test_float32_and_views_and_integers(self):
        W = gaussian(9, 3).astype(np.float32)
        expected = mcbe.estimate(W, samples=1000).alpha
        wide = np.zeros((9, 5), np.float32)
        wide[:, :3] = W
        for same in (W.astype(np.float64), wide[:, :3], np.asfortranarray(W), mcbe.Frame(W), W.tolist()):
            np.testing.assert_array_equal(mcbe.estimate(same, samples=1000).alpha, expected)
        self.assertTrue(np.isfinite(mcbe.estimate(OCTAHEDRON.astype(int), samples=1000).alpha).all())

    def test_norms_of_float32_at_the_ends_of_its_range(self):
        """Of the same bits as those of the same numbers in float64, whose squares are scaled."""
        rng = np.random.default_rng(7)
        for by_row in (True, False):
            for _ in range(50):
                m, n = 40, int(rng.integers(1, 40))
                W = rng.standard_normal((m, n)) * 10.0 ** rng.uniform(-45, 37, (m, 1) if by_row else (m, n))
                W = W.astype(np.float32)
                W[~W.any(axis=1), 0] = 1e-45
                for normalize in (False, True):
                    one, other = (mcbe.Frame(values, normalize_rows=normalize) for values in (W, W.astype(float)))
                    self.assertEqual(one.row_norms.tobytes(), other.row_norms.tobytes())
        for value in (np.nan, np.inf, -np.inf):
            W = np.ones((20, 5), np.float32)
            W[17, 3] = value
            with self.assertRaisesRegex(mcbe.ArgumentError, f"row 17, column 3 is {value}"):
                mcbe.Frame(W)

    def test_precision_and_stop_rule(self):
        W = gaussian(12, 3)
        one = mcbe.estimate(W, samples=5000, precision="double")
        np.testing.assert_array_equal(one.alpha, mcbe.estimate(W, samples=5000).alpha)
        stopped = mcbe.estimate(W, samples=10**7, unchanged=5000, design="iid")
        self.assertEqual(stopped.samples % (64 * 256), 0)  # looked at after every 64 blocks
        self.assertGreaterEqual(stopped.samples - 1 - stopped.last_update, 5000)
        self.assertLess(stopped.samples, 10**7)

    def test_without_counting_updates(self):
        W, cloud = gaussian(60, 12), mcbe.Domain.smoothing(gaussian(9, 12, 1), 0.5)
        for design in ("crossed", "iid"):
            counted, not_counted = (mcbe.estimate(W, cloud, 900, design=design, count_updates=count)
                                    for count in (True, False))
            self.assertEqual((counted.alpha.tobytes(), counted.witness.tolist(), counted.last_update),
                             (not_counted.alpha.tobytes(), not_counted.witness.tolist(), not_counted.last_update))
            self.assertGreater(counted.updates, 0)
            self.assertEqual(not_counted.updates, -1)

    def test_a_frame_takes_another_matrix(self):
        frame = mcbe.Frame(gaussian(9, 3))
        other = gaussian(9, 3, 1)
        frame.assign(other)
        np.testing.assert_array_equal(frame.weights, other)
        np.testing.assert_array_equal(mcbe.estimate(frame, samples=500).alpha, mcbe.estimate(other, samples=500).alpha)

    def test_first_points_are_rows(self):
        found = mcbe.estimate(TETRAHEDRON, samples=1, init_rows=True)
        self.assertEqual(found.samples, 5)
        self.assertTrue((found.witness < -1).any())
        np.testing.assert_allclose(found.coordinates([-2]), TETRAHEDRON[:1], atol=1e-7)

    def test_data_are_not_copied(self):
        data = gaussian(10, 3).astype(np.float32)
        cloud = mcbe.Domain.smoothing(data, 0.5)
        self.assertIs(cloud._cloud.centers, data)
        np.testing.assert_array_equal(cloud.deviations, [0.5] * 3)
        scott = mcbe.Domain.kde(data)
        np.testing.assert_allclose(scott.deviations, 10 ** (-1 / 7) * data.std(axis=0, ddof=1), rtol=1e-6)

    def test_other_threads_run_meanwhile(self):
        done, ticks = threading.Event(), 0

        def work():
            mcbe.estimate(gaussian(100, 30), samples=300_000, design="iid")
            done.set()

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1000)  # so that only a released lock lets this thread go on
        try:
            thread = threading.Thread(target=work)
            thread.start()
            while not done.is_set():
                ticks += 1
                time.sleep(0.001)
            thread.join()
        finally:
            sys.setswitchinterval(interval)
        self.assertGreater(ticks, 5)

    def test_threads_share_a_frame(self):
        frame, answers = mcbe.Frame(gaussian(40, 8)), [None] * 4

        def work(i):
            answers[i] = mcbe.estimate(frame, samples=20_000).alpha

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for answer in answers[1:]:
            np.testing.assert_array_equal(answer, answers[0])


class Measures(unittest.TestCase):
    def test_p_injective_by_hand(self):
        """The octahedron at bias 0: three rows are active where no coordinate is 0, more where one is."""
        points = np.array([[1, 2, 3], [-1, 1, 1], [1, 0, 0], [0.5, -0.5, 0]], np.float32)
        found = mcbe.p_injective(OCTAHEDRON, None, points)
        self.assertEqual((found.points, found.injective, found.min_active), (4, 4, 3))
        found = mcbe.p_injective(OCTAHEDRON, np.full(6, 0.25), points)
        self.assertEqual((found.injective, found.share, found.min_active), (2, 0.5, 1))

    def test_float32_and_float64_points(self):
        W, bias = gaussian(12, 4), gaussian(1, 12, 3)[0]
        x = gaussian(500, 4, 7)
        for points in (x, x.astype(np.float32)):
            active = (points.astype(np.float64) @ W.T >= bias).sum(axis=1)
            found = mcbe.p_injective(W, bias, points)
            self.assertEqual((found.injective, found.min_active), ((active >= 4).sum(), active.min()))
        self.assertTrue(math.isnan(mcbe.p_injective(W, bias, x[:0]).share))

    def test_the_point_is_the_float64_one(self):
        """Just below and above a bias, closer than float32 can tell."""
        W, bias = np.eye(2) + [[0, 0], [1, 0]], np.array([1.0, -9.0])
        for step, injective in ((-1e-12, 0), (1e-12, 1)):
            self.assertEqual(mcbe.p_injective(W, bias, [[1.0 + step, 0.0]]).injective, injective)

    def test_ranks(self):
        W = np.array([[1, 0], [1, 0], [-1, 0], [0, 1], [0, -1.0]])
        bias = np.array([0, 0, 0, 9, 9.0])
        found = mcbe.p_injective(W, bias, [[1.0, 0.5]], check_rank=True)
        self.assertEqual((found.injective, found.rank_fails, found.share), (1, 1, 0.0))

    def test_hamming(self):
        found = mcbe.hamming([1.0, -1.0, np.inf, 0.5], [1.0, 0.0, 5.0, 0.0])
        self.assertEqual((found.rows, found.satisfied, found.unconstrained, found.share), (4, 3, 1, 0.75))
        self.assertEqual(mcbe.hamming([1.0], [0.6], unit=[2.0]).satisfied, 0)
        estimate = mcbe.estimate(TETRAHEDRON, samples=1000)
        self.assertEqual(mcbe.hamming(estimate, estimate.alpha).share, 1.0)

    def test_certificates(self):
        W = np.vstack([np.eye(2), [[-1, -1]]])
        x = np.array([math.cos(2.0), math.sin(2.0)])  # rows 1 alone is active; n = 2
        found = mcbe.certificate(W, x)
        self.assertEqual((found.active, found.inside, found.refutes), (1, True, True))
        self.assertFalse(mcbe.certificate(W, 2 * x).inside)
        self.assertTrue(mcbe.certificate(W, 2 * x, domain=mcbe.Domain.ball(3)).refutes)
        self.assertEqual(mcbe.certificate(W, x, bias=[-9, -9, -9]).active, 3)


class Search(unittest.TestCase):
    def test_refutes_what_sampling_does_not(self):
        """(20, 100): uniform points call nearly every Gaussian layer injective, and none is."""
        frame = mcbe.Frame.random(20, 100, seed=3)
        self.assertGreaterEqual(mcbe.estimate(frame, samples=100_000).min_active, 20)
        found = mcbe.refute(frame, seed=1)
        self.assertTrue(found.refuted)
        W = frame.weights
        self.assertEqual((W @ found.x >= 0).sum(), found.active)
        self.assertLess(found.active, 20)
        self.assertTrue(mcbe.certificate(frame, found.x).refutes)

    def test_small_layers_and_biases(self):
        found = mcbe.refute(gaussian(13, 5))  # m < 3n - 1
        self.assertEqual(found.evaluations, 1)
        self.assertLessEqual(found.active, (13 - 5 + 1) // 2)
        self.assertFalse(mcbe.refute(OCTAHEDRON).refuted)
        high = mcbe.refute(OCTAHEDRON, mcbe.Domain.ball(2), bias=np.full(6, 0.5))
        self.assertTrue(mcbe.certificate(OCTAHEDRON, high.x, np.full(6, 0.5), mcbe.Domain.ball(2)).refutes)

    def test_lower(self):
        """The simplex of n + 1 rows: -sqrt((n - 1) / (2 n)) in every row, which few points come near to."""
        n = 6
        basis = np.vstack([np.eye(n), np.full((1, n), (1 + math.sqrt(n + 1)) / n)])
        simplex = basis - basis.mean(axis=0)
        simplex /= np.linalg.norm(simplex, axis=1)[:, None]
        start = mcbe.estimate(simplex, samples=2000)
        lowered = mcbe.lower(start, 20_000)
        exact = -math.sqrt((n - 1) / (2 * n))
        self.assertGreater(start.alpha.min(), exact + 0.01)
        np.testing.assert_allclose(lowered.alpha, exact, atol=1e-9)
        np.testing.assert_allclose((simplex * lowered.witness_points()).sum(1), lowered.alpha, atol=1e-9)
        self.assertEqual((lowered.samples, lowered.updates), (start.samples, start.updates))
        again = mcbe.lower(lowered, 20_000)
        self.assertTrue((again.alpha <= lowered.alpha).all())


class Refusals(unittest.TestCase):
    def test_sentences(self):
        W, data = gaussian(6, 3), gaussian(5, 3)
        nan = W.copy()
        nan[2, 1] = np.nan
        for call, sentence in (
                (lambda: mcbe.estimate(W[:2]), "weight matrix: shape 2 x 3"),
                (lambda: mcbe.estimate(W[0]), r"W: shape \(3,\); two axes are needed"),
                (lambda: mcbe.estimate(nan), "row 2, column 1 is nan"),
                (lambda: mcbe.estimate(W.astype(complex)), "W: type complex128"),
                (lambda: mcbe.estimate(W, "cube"), "domain: 'cube'; a Domain or one of sphere"),
                (lambda: mcbe.estimate(W, samples=0), "samples: 0; an integer from 1"),
                (lambda: mcbe.estimate(W, samples=1.5), "samples: 1.5; an integer"),
                (lambda: mcbe.estimate(W, seed=-1), "seed: -1; an integer from 0"),
                (lambda: mcbe.estimate(W, design="grid"), "design: 'grid'; possible are iid, paired, crossed"),
                (lambda: mcbe.estimate(W, design="crossed"), "the crossed design adds noise to data"),
                (lambda: mcbe.estimate(W, mcbe.Domain.smoothing(data[:, :2], 1)), "its data are of dimension 2"),
                (lambda: mcbe.estimate(W, "gaussian", init_rows=True), "init_rows: the rows' directions"),
                (lambda: mcbe.Domain.ball(-1), "radius is -1"),
                (lambda: mcbe.Domain.ball(1, radial="odd"), "radial: 'odd'"),
                (lambda: mcbe.Domain.shell(2, 1), "a shell needs 0 < inner_radius"),
                (lambda: mcbe.Domain.smoothing(data, -1), "sigma"),
                (lambda: mcbe.Domain.smoothing(nan, 1), r"data: entry \(2, 1\) is nan"),
                (lambda: mcbe.Domain.kde(data[:1]), "at least 2"),
                (lambda: mcbe.Domain.kde(data, "wide"), "bandwidth: 'wide'"),
                (lambda: mcbe.Domain.sphere().deviations, "a sphere has no noise"),
                (lambda: mcbe.Frame.random(3, 2), "dimensions do not fit"),
                (lambda: mcbe.p_injective(W, [0] * 5, data), r"bias: shape \(5,\); shape \(6,\) is needed"),
                (lambda: mcbe.p_injective(W, None, data[:, :2]), r"points: shape \(5, 2\)"),
                (lambda: mcbe.p_injective(W, [np.nan] * 6, data), "bias: entry 0 is NaN"),
                (lambda: mcbe.p_injective(W, None, data * 1e31), "allowed are at most 1e\\+30"),
                (lambda: mcbe.hamming([], []), "alpha_star: shape"),
                (lambda: mcbe.hamming([1], [1], unit=[0]), "unit: entry 0 is 0"),
                (lambda: mcbe.certificate(W, [1, 2]), "x: shape"),
                (lambda: mcbe.refute(W, "gaussian"), "search"),
                (lambda: mcbe.lower(mcbe.estimate(W, "gaussian", 10)), "search"),
                (lambda: mcbe.estimate(W, samples=10).coordinates([2**62]), "argument out of range")):
            with self.subTest(sentence), self.assertRaisesRegex(mcbe.ArgumentError, sentence):
                call()

    def test_every_public_name_is_explained(self):
        for name in mcbe.__all__:
            thing = getattr(mcbe, name)
            if name != "__version__":
                self.assertTrue(thing.__doc__ and len(thing.__doc__) > 20, name)


if __name__ == "__main__":
    unittest.main()
