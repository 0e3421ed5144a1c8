// RUN: ag-opt %s -split-input-file -verify-diagnostics

// Named after the constraints of dialect/ReduceOps.td.

func.func @reduce_c1_none(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'axes' to be ascending axes of 'input', which has rank 2, but got []}}
  %r = ag.reduce sum %x axes [] : tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @reduce_c1_descending(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'axes' to be ascending axes of 'input', which has rank 2, but got [1, 0]}}
  %r = ag.reduce sum %x axes [1, 0] : tensor<4x8xf32> -> f32
  return
}

// -----

func.func @reduce_c1_twice(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'axes' to be ascending axes of 'input', which has rank 2, but got [1, 1]}}
  %r = ag.reduce sum %x axes [1, 1] : tensor<4x8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @reduce_c1_outside(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'axes' to be ascending axes of 'input', which has rank 2, but got [2]}}
  %r = ag.reduce sum %x axes [2] : tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @reduce_c1_negative(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'axes' to be ascending axes of 'input', which has rank 2, but got [-1]}}
  %r = ag.reduce sum %x axes [-1] : tensor<4x8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @reduce_c2_shape(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expected 'result' to have shape [4], but got [8]}}
  %r = ag.reduce max %x axes [1] : tensor<4x8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @reduce_c2_scalar(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected 'result' to have shape [], but got [1]}}
  %r = ag.reduce max %x axes [0] : tensor<4xf32> -> tensor<1xf32>
  return
}

// -----

func.func @reduce_c3_sum_of_f16(%x: tensor<4xf16>) {
  // expected-error @+1 {{expected 'result' to have element type 'f32', but got 'f16'}}
  %r = ag.reduce sum %x axes [0] : tensor<4xf16> -> f16
  return
}

// -----

func.func @reduce_c3_argmax(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected 'result' to have element type 'i32', but got 'f32'}}
  %r = ag.reduce argmax %x axes [0] : tensor<4xf32> -> f32
  return
}

// -----

func.func @reduce_c4_any_of_numbers(%x: tensor<4xi32>) {
  // expected-error @+1 {{expected 'input' to be a mask, but got 'tensor<4xi32>'}}
  %r = ag.reduce any %x axes [0] : tensor<4xi32> -> i32
  return
}

// -----

func.func @reduce_c4_all_of_numbers(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected 'input' to be a mask, but got 'tensor<4xf32>'}}
  %r = ag.reduce all %x axes [0] : tensor<4xf32> -> f32
  return
}

// -----

func.func @reduce_c4_unsigned_floats(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected 'input' to hold integers, but got 'tensor<4xf32>'}}
  %r = ag.reduce umax %x axes [0] : tensor<4xf32> -> f32
  return
}

// -----

func.func @reduce_c4_argmin_axes(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{expected one axis, but got 2}}
  %r = ag.reduce argmin %x axes [0, 1] : tensor<4x4xf32> -> i32
  return
}

// -----

func.func @tile_c1_input(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{expected each extent of 'input' to be a power of two, but got 5}}
  %r = ag.reduce max %x axes [1] : tensor<4x5xf32> -> tensor<4xf32>
  return
}

// -----

func.func @reduce_unknown_kind(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected string or keyword containing one of the following enum values for attribute 'kind' [sum, prod, min, max, umin, umax, any, all, argmin, argmax]}}
  %r = ag.reduce mean %x axes [0] : tensor<4xf32> -> f32
  return
}
