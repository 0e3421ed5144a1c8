// RUN: ag-opt %s -split-input-file -verify-diagnostics

// Named after the constraints of dialect/MemoryOps.td; one implementation
// serves both ops, each condition is tried on each of them.

func.func @load_c1_missing_index(%t: memref<?x?xf32>, %i: i32) {
  // expected-error @+1 {{expected one index and one extent for each of the 2 dimensions of 'tensor', but got 1 and 1}}
  %x = ag.load %t[%i] : memref<?x?xf32> -> f32
  return
}

// -----

func.func @load_c1_missing_extent(%t: memref<?xf32>, %i: i32) {
  // expected-error @+1 {{expected one index and one extent for each of the 1 dimensions of 'tensor', but got 1 and 0}}
  %x = "ag.load"(%t, %i) {extents = array<i64>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>} : (memref<?xf32>, i32) -> f32
  return
}

// -----

func.func @store_c1_missing_index(%t: memref<?x?xf32>, %i: i32, %x: f32) {
  // expected-error @+1 {{expected one index and one extent for each of the 2 dimensions of 'tensor', but got 1 and 1}}
  ag.store %x, %t[%i] : f32, memref<?x?xf32>
  return
}

// -----

func.func @load_c2_negative_extent(%t: memref<?xf32>, %i: i32) {
  // expected-error @+1 {{expected extent 0 to fit its index, but got -4}}
  %x = ag.load %t[%i : -4] : memref<?xf32> -> tensor<4xf32>
  return
}

// -----

func.func @load_c2_tile_index(%t: memref<?xf32>, %i: tensor<4xi32>) {
  // expected-error @+1 {{expected extent 0 to fit its index, but got 8}}
  %x = ag.load %t[%i : 8] : memref<?xf32> indices [tensor<4xi32>] -> tensor<8xf32>
  return
}

// -----

func.func @store_c2_tile_index_without_extent(%t: memref<?xf32>, %i: tensor<4xi32>, %x: f32) {
  // expected-error @+1 {{expected extent 0 to fit its index, but got 0}}
  ag.store %x, %t[%i] : f32, memref<?xf32> indices [tensor<4xi32>]
  return
}

// -----

func.func @load_c3_steps(%t: memref<?x?xf32>, %i: i32) {
  // expected-error @+1 {{expected no steps or one per dimension, but got 1}}
  %x = ag.load %t[%i, %i : 4 step %i] : memref<?x?xf32> -> tensor<4xf32>
  return
}

// -----

func.func @store_c3_steps(%t: memref<?x?xf32>, %i: i32, %x: tensor<4xf32>) {
  // expected-error @+1 {{expected no steps or one per dimension, but got 1}}
  ag.store %x, %t[%i, %i : 4 step %i] : tensor<4xf32>, memref<?x?xf32>
  return
}

// -----

func.func @load_c4_shape(%t: memref<?xf32>, %i: i32) {
  // expected-error @+1 {{expected 'result' to have shape [4] and element type 'f32', but got 'tensor<8xf32>'}}
  %x = ag.load %t[%i : 4] : memref<?xf32> -> tensor<8xf32>
  return
}

// -----

func.func @load_c4_scalar(%t: memref<?xf32>, %i: i32) {
  // expected-error @+1 {{expected 'result' to have shape [] and element type 'f32', but got 'tensor<1xf32>'}}
  %x = ag.load %t[%i] : memref<?xf32> -> tensor<1xf32>
  return
}

// -----

func.func @load_c4_element(%t: memref<?xf32>, %i: i32) {
  // expected-error @+1 {{expected 'result' to have shape [4] and element type 'f32', but got 'tensor<4xf16>'}}
  %x = ag.load %t[%i : 4] : memref<?xf32> -> tensor<4xf16>
  return
}

// -----

func.func @store_c4_element(%t: memref<?xf32>, %i: i32, %x: tensor<4xf64>) {
  // expected-error @+1 {{expected 'value' to have shape [4] and element type 'f32', but got 'tensor<4xf64>'}}
  ag.store %x, %t[%i : 4] : tensor<4xf64>, memref<?xf32>
  return
}

// -----

func.func @load_c5_keep_shape(%t: memref<?xf32>, %i: i32, %keep: tensor<8xi1>) {
  // expected-error @+1 {{expected 'keep' to be a mask of shape [4], but got 'tensor<8xi1>'}}
  %x = "ag.load"(%t, %i, %keep) {extents = array<i64: 4>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 0>} : (memref<?xf32>, i32, tensor<8xi1>) -> tensor<4xf32>
  return
}

// -----

func.func @store_c5_keep_element(%t: memref<?xf32>, %i: i32, %x: tensor<4xf32>, %keep: tensor<4xi8>) {
  // expected-error @+1 {{expected 'keep' to be a mask of shape [4], but got 'tensor<4xi8>'}}
  "ag.store"(%x, %t, %i, %keep) {extents = array<i64: 4>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1>} : (tensor<4xf32>, memref<?xf32>, i32, tensor<4xi8>) -> ()
  return
}

// -----

func.func @load_c5_other(%t: memref<?xf32>, %i: i32, %other: f32) {
  // expected-error @+1 {{expected 'other' to have the type of 'result', 'tensor<4xf32>', but got 'f32'}}
  %x = "ag.load"(%t, %i, %other) {extents = array<i64: 4>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 1>} : (memref<?xf32>, i32, f32) -> tensor<4xf32>
  return
}

// -----

func.func @tile_c1_extent(%t: memref<?xf32>, %i: i32) {
  // expected-error @+1 {{expected each extent of 'result' to be a power of two, but got 48}}
  %x = ag.load %t[%i : 48] : memref<?xf32> -> tensor<48xf32>
  return
}

// -----

func.func @tile_c2_elements(%t: memref<?x?xf32>, %i: i32) {
  // expected-error @+1 {{expected 'result' to have at most 1048576 elements, but got [2048, 1024]}}
  %x = ag.load %t[%i : 2048, %i : 1024] : memref<?x?xf32> -> tensor<2048x1024xf32>
  return
}

// -----

func.func @tile_c2_one_extent(%t: memref<?xf32>, %i: i32, %x: tensor<4194304xf32>) {
  // expected-error @+1 {{expected 'value' to have at most 1048576 elements, but got [4194304]}}
  ag.store %x, %t[%i : 4194304] : tensor<4194304xf32>, memref<?xf32>
  return
}

// -----

func.func @tile_c3_rank_zero(%t: memref<?xf32>, %i: i32) {
  // expected-error @+1 {{expected 'result' to be a scalar in place of a tile of rank 0}}
  %x = ag.load %t[%i] : memref<?xf32> -> tensor<f32>
  return
}

// -----

func.func @load_index_type(%t: memref<?xf32>, %i: i64) {
  // expected-error @+1 {{operand #1 must be variadic of i32 or tile of i32 of rank 1, but got 'i64'}}
  %x = "ag.load"(%t, %i) {extents = array<i64: 0>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>} : (memref<?xf32>, i64) -> f32
  return
}
