// RUN: ag-opt %s -split-input-file -verify-diagnostics

// Named after the constraints of dialect/ShapeOps.td.

func.func @iota_c1_rank() {
  // expected-error @+1 {{expected 'result' to be a tile of i32 of rank 1, but got 'tensor<4x4xi32>'}}
  %r = ag.iota : tensor<4x4xi32>
  return
}

// -----

func.func @iota_c1_element() {
  // expected-error @+1 {{expected 'result' to be a tile of i32 of rank 1, but got 'tensor<4xi64>'}}
  %r = ag.iota : tensor<4xi64>
  return
}

// -----

func.func @tile_c1_iota() {
  // expected-error @+1 {{expected each extent of 'result' to be a power of two, but got 100}}
  %r = ag.iota : tensor<100xi32>
  return
}

// -----

func.func @tile_c1_empty() {
  // expected-error @+1 {{expected each extent of 'result' to be a power of two, but got 0}}
  %r = ag.iota : tensor<0xi32>
  return
}

// -----

func.func @broadcast_c1_missing(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'axes' to name an ascending axis of 'result' for each of the 2 axes of 'input', but got [0]}}
  %r = ag.broadcast %x along [0] : tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @broadcast_c1_descending(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{expected 'axes' to name an ascending axis of 'result' for each of the 2 axes of 'input', but got [1, 0]}}
  %r = ag.broadcast %x along [1, 0] : tensor<4x4xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @broadcast_c1_outside(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected 'axes' to name an ascending axis of 'result' for each of the 1 axes of 'input', but got [2]}}
  %r = ag.broadcast %x along [2] : tensor<4xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @broadcast_c2_extent(%x: tensor<2xf32>) {
  // expected-error @+1 {{expected extent 0 of 'input' to be 1 or 4, but got 2}}
  %r = ag.broadcast %x along [0] : tensor<2xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @broadcast_c3_element(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected 'result' to have element type 'f32', but got 'f64'}}
  %r = ag.broadcast %x along [0] : tensor<4xf32> -> tensor<4x4xf64>
  return
}

// -----

func.func @tile_c2_broadcast(%x: tensor<1024xf32>) {
  // expected-error @+1 {{expected 'result' to have at most 1048576 elements, but got [1024, 2048]}}
  %r = ag.broadcast %x along [0] : tensor<1024xf32> -> tensor<1024x2048xf32>
  return
}

// -----

func.func @transpose_c1_short(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'permutation' to permute the 2 axes of 'input', but got [0]}}
  %r = ag.transpose %x [0] : tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @transpose_c1_repeated(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'permutation' to permute the 2 axes of 'input', but got [1, 1]}}
  %r = ag.transpose %x [1, 1] : tensor<4x8xf32> -> tensor<8x8xf32>
  return
}

// -----

func.func @transpose_c1_outside(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'permutation' to permute the 2 axes of 'input', but got [0, 7]}}
  %r = ag.transpose %x [0, 7] : tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @transpose_c2_shape(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'result' to be 'tensor<8x4xf32>', but got 'tensor<4x8xf32>'}}
  %r = ag.transpose %x [1, 0] : tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @transpose_c2_element(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'result' to be 'tensor<8x4xf32>', but got 'tensor<8x4xf16>'}}
  %r = ag.transpose %x [1, 0] : tensor<4x8xf32> -> tensor<8x4xf16>
  return
}

// -----

func.func @reshape_c1_elements(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'result' to have as many elements as 'input' and its element type, but got 'tensor<4x8xf32>' and 'tensor<16xf32>'}}
  %r = ag.reshape %x : tensor<4x8xf32> -> tensor<16xf32>
  return
}

// -----

func.func @reshape_c1_element_type(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'result' to have as many elements as 'input' and its element type, but got 'tensor<4x8xf32>' and 'tensor<32xi32>'}}
  %r = ag.reshape %x : tensor<4x8xf32> -> tensor<32xi32>
  return
}

// -----

func.func @tile_c3_reshape(%x: tensor<1xf32>) {
  // expected-error @+1 {{expected 'result' to be a scalar in place of a tile of rank 0}}
  %r = ag.reshape %x : tensor<1xf32> -> tensor<f32>
  return
}
