"""The Python package: numpy always, torch where it is installed.

    PYTHONPATH=runtime/python ATTN_GRID_LIBRARY=... python3 attn_grid_test.py
"""

import gc
import sys
import unittest
import weakref

import attn_grid as ag
import numpy as np

try:
    import torch
except ImportError:
    torch = None
    print("torch is not installed: its tests are skipped", file=sys.stderr)

SOURCE = """
/// y = a x + BIAS.
kernel axpy<T: float, const BIAS: int = 0>(
    x: tensor<T>[M, N], out y: tensor<T>[M, N], a: f32 = 2.0)
  grid (M)
{
  const W = 8;
  let row = program_id();
  for i in 0 .. N step W {
    y[row, i +: W] = cast<T>(cast<f32>(x[row, i +: W]) * a + cast<f32>(BIAS));
  }
}
/// As many ones as asked for.
kernel ones<T: any>(out y: tensor<T>[N]) grid (1) {
  for i in 0 .. N step 8 { y[i +: 8] = cast<T>(full<i32>[8](1)); }
}
kernel maybe(x: tensor<f32>[N], shift: tensor<f32>[N]?, inout y: tensor<f32>[N])
  grid (1)
{
  for i in 0 .. N step 8 {
    var value = x[i +: 8] + y[i +: 8];
    const if present(shift) { value += shift[i +: 8]; }
    y[i +: 8] = value;
  }
}
"""


def kernel(name="axpy", **bindings):
    return ag.Module.from_source(SOURCE, "test.ag").kernel(name, **bindings)


class Common(unittest.TestCase):
    def test_kernels_and_params(self):
        module = ag.Module.from_source(SOURCE)
        self.assertEqual(module.kernels, ["axpy", "ones", "maybe"])
        axpy = module.kernel("axpy")
        self.assertEqual((axpy.name, axpy.params), ("axpy", ["x", "y", "a"]))
        self.assertIn("y = a x + BIAS", axpy.__doc__)
        self.assertRegex(ag.__version__, r"^\d+\.\d+\.\d+$")

    def test_threads(self):
        ag.set_num_threads(1)
        self.assertEqual(ag.num_threads(), 1)
        ag.set_num_threads(0)
        with self.assertRaises(ag.InvalidArgument):
            ag.set_num_threads(-1)

    def test_compiles_in_the_background(self):
        ag.compile_in_background(True)
        try:
            # Strides that nobody has seen: served by a form that assumes none.
            x = np.arange(24, dtype="f4").reshape(4, 6)[:, ::2]
            np.testing.assert_array_equal(kernel(BIAS=17)(x).y, 2 * x + 17)
            ag.wait_for_compiles()
            np.testing.assert_array_equal(kernel(BIAS=17)(x).y, 2 * x + 17)
        finally:
            ag.compile_in_background(False)

    def test_streams(self):
        stream, other = ag.Stream(), ag.Stream("cpu")
        begin = stream.record()
        x = np.ones((50, 60), "f4")
        gone = weakref.ref(x)
        with stream:
            y = kernel()(x).y
            z = kernel(BIAS=1)(y, a=1.0).y
            launch = kernel(BIAS=1).prepare(z, y, 1.0)
            launch()
        del x, launch
        end = stream.record()
        other.wait(end)
        with other, stream:  # the innermost
            kernel()(y, z, 3.0)
        other.synchronize()
        stream.synchronize()
        self.assertTrue(end.done and stream.done and other.done)
        self.assertGreater(end.milliseconds_since(begin), 0)
        np.testing.assert_array_equal(z, np.full((50, 60), 12))
        gc.collect()
        self.assertIsNone(gone())
        with self.assertRaises(ag.InvalidArgument):
            ag.Stream("cpu", handle=0)
        with self.assertRaises(ag.KeyError):
            ag.Stream("abacus")
        # A stream that goes away has run what it holds, and kept it until then.
        last = ag.Stream()
        with last:
            made = kernel()(np.ones((500, 600), "f4")).y
        del last
        self.assertEqual(made[-1, -1], 2)

    def test_errors(self):
        x = np.ones((2, 3), "f4")
        for error, base, call in [
            (ag.CompileError, ValueError, lambda: ag.Module.from_source("kernel f(")),
            (ag.InvalidArgument, ValueError, lambda: kernel()(x, np.ones((2, 4), "f4"))),
            (ag.InvalidArgument, ValueError, lambda: ag.Module.from_source("a\0b")),
            (ag.DTypeError, TypeError, lambda: kernel()(np.ones((2, 3), "i4"))),
            (ag.DTypeError, TypeError, lambda: kernel()("x")),
            (ag.DTypeError, TypeError, lambda: kernel(BIAS=0.5)),
            (ag.KeyError, KeyError, lambda: kernel("axpi")),
            (ag.KeyError, KeyError, lambda: kernel(BIAZ=1)),
            (ag.KeyError, KeyError, lambda: kernel(T="f80")),
            (ag.OutOfRange, IndexError, lambda: kernel(BIAS=2**63)),
            (ag.Unsupported, NotImplementedError, lambda: kernel()(x.astype("c8"))),
            (ag.BackendError, OSError, lambda: ag.Module.from_file("/nowhere.ag")),
        ]:
            with self.subTest(error=error):
                with self.assertRaises(error) as caught:
                    call()
                self.assertIsInstance(caught.exception, base)
                self.assertIsInstance(caught.exception, ag.Error)
                self.assertTrue(str(caught.exception))
        with self.assertRaises(AttributeError):
            kernel()(x).z
        with self.assertRaises(ag.KeyError):
            kernel()(x)["z"]


class Numpy(unittest.TestCase):
    def test_fresh_and_given_outputs(self):
        x = np.arange(30, dtype="f4").reshape(5, 6)
        made = kernel(BIAS=3)(x, a=0.5)
        self.assertIsInstance(made.y, np.ndarray)
        np.testing.assert_array_equal(made.y, x * 0.5 + 3)
        self.assertIs(made["y"], made.y)
        self.assertIs(made[0], made.y)
        (same,) = made
        self.assertIs(same, made.y)
        y = np.zeros_like(x)
        self.assertEqual(len(kernel()(x, y, np.float32(4))), 0)
        np.testing.assert_array_equal(y, x * 4)
        # What a launch made goes into the next, and may be written.
        made.y[0, 0] = 7
        np.testing.assert_array_equal(kernel()(made.y).y, made.y * 2)

    def test_views_are_not_copied(self):
        memory = np.zeros((8, 20), "f8")
        x = np.arange(40.0).reshape(10, 4).T[::2]
        kernel()(x, memory[1::4, 3:13])
        np.testing.assert_array_equal(memory[1::4, 3:13], x * 2)
        self.assertEqual(np.count_nonzero(memory), np.count_nonzero(x))

    def test_dtypes_and_extents(self):
        # Only newer versions of numpy share bools.
        bools = ["bool"] if int(np.__version__.split(".")[0]) >= 2 else []
        for dtype in (*bools, "i1", "i2", "i4", "i8", "u1", "u2", "u4", "f2", "f4", "f8"):
            with self.subTest(dtype=dtype):
                wanted = np.ones(11, dtype)
                y = np.zeros_like(wanted)
                kernel("ones")(y)
                np.testing.assert_array_equal(y, wanted)
        y = kernel("ones", T=np.dtype("f2"), N=5)().y
        self.assertIsInstance(y, ag.Tensor)  # no argument says which library
        for array in (np.from_dlpack(y), np.asarray(y)):
            np.testing.assert_array_equal(array, np.ones(5, "f2"))

    def test_optional_and_inout(self):
        x, y = np.ones(9, "f4"), np.full(9, 2, "f4")
        kernel("maybe")(x, None, y)
        np.testing.assert_array_equal(y, 3)
        kernel("maybe")(x, x, y=y)
        np.testing.assert_array_equal(y, 5)

    def test_prepared(self):
        x = np.ones((2, 3), "f4")
        launch = kernel().prepare(x)
        x[:] = 4
        np.testing.assert_array_equal(launch().y, 8)
        self.assertIn("axpy", launch.variant)

    def test_software_gpu(self):
        x = np.arange(30, dtype="f4").reshape(5, 6)
        y = kernel()(ag.as_tensor(x).to("sim")).y
        self.assertIsInstance(y, ag.Tensor)
        self.assertEqual(y.shape, (5, 6))
        with self.assertRaises(AttributeError):
            y.__array_interface__
        np.testing.assert_array_equal(np.asarray(y.to("cpu")), x * 2)
        with self.assertRaisesRegex(ag.InvalidArgument, "on sim"):
            kernel()(ag.as_tensor(x).to("sim"), x)

    def test_read_only(self):
        x = np.ones((2, 3), "f4")
        x.flags.writeable = False
        with self.assertRaisesRegex(ag.InvalidArgument, "read-only"):
            kernel()(x)

    def test_memory_lives_as_long_as_needed(self):
        x = np.ones((2, 3), "f4")
        gone = weakref.ref(x)
        launch = kernel().prepare(x)
        del x
        gc.collect()
        self.assertIsNotNone(gone())
        y = launch().y
        del launch
        gc.collect()
        self.assertIsNone(gone())
        np.testing.assert_array_equal(y, 2)  # of the launch's own memory


@unittest.skipUnless(torch, "torch is not installed")
class Torch(unittest.TestCase):
    def test_in_and_out(self):
        x = torch.arange(30, dtype=torch.float32).reshape(6, 5).t()
        made = kernel(BIAS=1)(x)
        self.assertIsInstance(made.y, torch.Tensor)
        self.assertTrue(torch.equal(made.y, x * 2 + 1))
        y = torch.empty(5, 6)
        kernel(T=torch.float32)(x, y, torch.tensor(3.0))
        self.assertTrue(torch.equal(y, x * 3))

    def test_bf16(self):
        x = torch.arange(8, dtype=torch.bfloat16).reshape(2, 4)
        y = kernel()(x).y
        self.assertEqual(y.dtype, torch.bfloat16)
        self.assertTrue(torch.equal(y, x * 2))

    def test_gradients_are_refused(self):
        with self.assertRaisesRegex(ag.InvalidArgument, "detach"):
            kernel()(torch.ones(2, 3, requires_grad=True))


if __name__ == "__main__":
    unittest.main()
