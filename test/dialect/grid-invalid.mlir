// RUN: ag-opt %s -split-input-file -verify-diagnostics

// Named after the constraints of dialect/GridOps.td.

// @kernel_c1
// expected-error @+1 {{expected no results, but got 1}}
ag.kernel @results() -> f32 {
  ag.return
}

// -----

// @kernel_c2: a ranked tensor comes as a pointer and strides.
// expected-error @+1 {{expected argument 0 to be a memref of rank 0, an index or a scalar, but got 'memref<4xf32>'}}
ag.kernel @ranked(%x: memref<4xf32> {ag.access = "in"}) {
  ag.return
}

// -----

// @kernel_c2: a tile is a value of a program, never of a launch.
// expected-error @+1 {{expected argument 1 to be a memref of rank 0, an index or a scalar, but got 'tensor<4xf32>'}}
ag.kernel @tile(%n: i32, %x: tensor<4xf32>) {
  ag.return
}

// -----

// @kernel_c3: missing.
// expected-error @+1 {{expected 'ag.access' of argument 0 to be "in", "out" or "inout"}}
ag.kernel @no_access(%x: memref<f32>) {
  ag.return
}

// -----

// @kernel_c3: another word.
// expected-error @+1 {{expected 'ag.access' of argument 0 to be "in", "out" or "inout"}}
ag.kernel @wrong_access(%x: memref<f32> {ag.access = "read"}) {
  ag.return
}

// -----

// @kernel_c4
// expected-error @+1 {{expected a body, but got none}}
ag.kernel @no_body()

// -----

// @kernel_c5
// expected-error @+1 {{expected 'ag.warps' to be a power of two from 1 to 32, but got 6}}
ag.kernel @warps() attributes {ag.warps = 6} {
  ag.return
}

// -----

// @kernel_c6
// expected-error @+1 {{expected 'ag.stages' to be from 1 to 8, but got 0}}
ag.kernel @stages() attributes {ag.stages = 0} {
  ag.return
}

// -----

func.func @kernel_outside_module() {
  // expected-error @+1 {{expects parent op 'builtin.module'}}
  ag.kernel @inner() {
    ag.return
  }
  return
}

// -----

func.func @return_outside_kernel() {
  // expected-error @+1 {{expects parent op 'ag.kernel'}}
  ag.return
}

// -----

// @program_id_c1: too many.
ag.kernel @program_id_four(%n: i32) {
  // expected-error @+1 {{expected 1 to 3 extents and as many results, but got 4 and 4}}
  %a:4 = ag.program_id %n, %n, %n, %n : i32, i32, i32, i32
  ag.return
}

// -----

// @program_id_c1: the numbers differ.
ag.kernel @program_id_mismatch(%n: i32) {
  // expected-error @+1 {{expected 1 to 3 extents and as many results, but got 1 and 2}}
  %a, %b = ag.program_id %n : i32, i32
  ag.return
}

// -----

// @program_id_c1: none.
ag.kernel @program_id_none() {
  // expected-error @+1 {{expected 1 to 3 extents and as many results, but got 0 and 0}}
  "ag.program_id"() : () -> ()
  ag.return
}
