// RUN: ag-opt %s -split-input-file -verify-diagnostics

// ag.gather, ag.scatter and ag.atomic, named after the constraints of
// dialect/MemoryOps.td.

func.func @gather_c1(%t: memref<?x?xf32>, %i: tensor<8xi32>) {
  // expected-error @+1 {{expected one index for each of the 2 dimensions of 'tensor', but got 1}}
  %x = ag.gather %t[%i] : (memref<?x?xf32>, tensor<8xi32>) -> tensor<8xf32>
  return
}

// -----

func.func @gather_c2_shape(%t: memref<?xf32>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expected index 0 to be an i32 or a tile of i32 of shape [8], but got 'tensor<4xi32>'}}
  %x = ag.gather %t[%i] : (memref<?xf32>, tensor<4xi32>) -> tensor<8xf32>
  return
}

// -----

func.func @gather_c2_element(%t: memref<?xf32>, %i: i64) {
  // expected-error @+1 {{expected index 0 to be an i32 or a tile of i32 of shape [], but got 'i64'}}
  %x = ag.gather %t[%i] : (memref<?xf32>, i64) -> f32
  return
}

// -----

func.func @gather_c3(%t: memref<?xf32>, %i: tensor<8xi32>) {
  // expected-error @+1 {{expected 'result' to have element type 'f32', but got 'f16'}}
  %x = ag.gather %t[%i] : (memref<?xf32>, tensor<8xi32>) -> tensor<8xf16>
  return
}

// -----

func.func @gather_c4_keep(%t: memref<?xf32>, %i: tensor<8xi32>, %keep: i1) {
  // expected-error @+1 {{expected 'keep' to be a mask of shape [8], but got 'i1'}}
  %x = ag.gather %t[%i] keep %keep : (memref<?xf32>, tensor<8xi32>, i1) -> tensor<8xf32>
  return
}

// -----

func.func @gather_c4_other(%t: memref<?xf32>, %i: tensor<8xi32>, %other: f32) {
  // expected-error @+1 {{expected 'other' to have the type of 'result', 'tensor<8xf32>', but got 'f32'}}
  %x = ag.gather %t[%i] other %other : (memref<?xf32>, tensor<8xi32>, f32) -> tensor<8xf32>
  return
}

// -----

func.func @scatter_c1(%t: memref<?xf32>, %i: tensor<8xi32>, %x: tensor<8xf32>) {
  // expected-error @+1 {{expected one index for each of the 1 dimensions of 'tensor', but got 2}}
  ag.scatter %x, %t[%i, %i] : (tensor<8xf32>, memref<?xf32>, tensor<8xi32>, tensor<8xi32>) -> ()
  return
}

// -----

func.func @scatter_c3(%t: memref<?xf32>, %i: tensor<8xi32>) {
  // expected-error @+1 {{expected 'value' to have element type 'f32', but got 'i32'}}
  ag.scatter %i, %t[%i] : (tensor<8xi32>, memref<?xf32>, tensor<8xi32>) -> ()
  return
}

// -----

func.func @scatter_c4(%t: memref<?xf32>, %i: tensor<8xi32>, %x: tensor<8xf32>) {
  // expected-error @+1 {{expected 'keep' to be a mask of shape [8], but got 'tensor<8xi32>'}}
  ag.scatter %x, %t[%i] keep %i : (tensor<8xf32>, memref<?xf32>, tensor<8xi32>, tensor<8xi32>) -> ()
  return
}

// -----

func.func @tile_c1_gather(%t: memref<?xf32>, %i: tensor<12xi32>) {
  // expected-error @+1 {{expected each extent of 'result' to be a power of two, but got 12}}
  %x = ag.gather %t[%i] : (memref<?xf32>, tensor<12xi32>) -> tensor<12xf32>
  return
}

// -----

func.func @atomic_c1(%t: memref<?x?xf32>, %x: f32, %i: i32) {
  // expected-error @+1 {{expected one index and one extent for each of the 2 dimensions of 'tensor', but got 1 and 1}}
  %old = ag.atomic add %x, %t[%i] extents [0] : (f32, memref<?x?xf32>, i32) -> f32
  return
}

// -----

func.func @atomic_c2(%t: memref<?xf32>, %x: tensor<8xf32>, %i: i32) {
  // expected-error @+1 {{expected extent 0 to fit its index, but got -8}}
  %old = ag.atomic add %x, %t[%i] extents [-8] : (tensor<8xf32>, memref<?xf32>, i32) -> tensor<8xf32>
  return
}

// -----

func.func @atomic_c4(%t: memref<?xf32>, %x: tensor<8xf32>, %i: i32) {
  // expected-error @+1 {{expected 'value' to have shape [4] and element type 'f32', but got 'tensor<8xf32>'}}
  %old = ag.atomic add %x, %t[%i] extents [4] : (tensor<8xf32>, memref<?xf32>, i32) -> tensor<8xf32>
  return
}

// -----

func.func @atomic_c6_half(%t: memref<?xf16>, %x: f16, %i: i32) {
  // expected-error @+1 {{expected elements that 'add' can update, but got 'f16'}}
  %old = ag.atomic add %x, %t[%i] extents [0] : (f16, memref<?xf16>, i32) -> f16
  return
}

// -----

func.func @atomic_c6_min_of_f64(%t: memref<?xf64>, %x: f64, %i: i32) {
  // expected-error @+1 {{expected elements that 'min' can update, but got 'f64'}}
  %old = ag.atomic min %x, %t[%i] extents [0] : (f64, memref<?xf64>, i32) -> f64
  return
}

// -----

func.func @atomic_c6_unsigned_float(%t: memref<?xf32>, %x: f32, %i: i32) {
  // expected-error @+1 {{expected elements that 'umax' can update, but got 'f32'}}
  %old = ag.atomic umax %x, %t[%i] extents [0] : (f32, memref<?xf32>, i32) -> f32
  return
}

// -----

func.func @atomic_c7(%t: memref<?xf32>, %x: tensor<8xf32>, %i: i32) {
  // expected-error @+1 {{expected 'old' to have the type of 'value', 'tensor<8xf32>', but got 'f32'}}
  %old = ag.atomic add %x, %t[%i] extents [8] : (tensor<8xf32>, memref<?xf32>, i32) -> f32
  return
}
