// RUN: ag-opt %s -split-input-file -verify-diagnostics

// Named after the constraints of dialect/ComputeOps.td.

func.func @dot_c1_rank(%a: tensor<4xf32>, %b: tensor<4x4xf32>, %c: tensor<4x4xf32>) {
  // expected-error @+1 {{expected tiles of rank 2, but got 'tensor<4xf32>', 'tensor<4x4xf32>' and 'tensor<4x4xf32>'}}
  %s = ag.dot %a, %b, %c : tensor<4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
  return
}

// -----

func.func @dot_c2_inner_extents(%a: tensor<4x8xf32>, %b: tensor<4x2xf32>, %c: tensor<4x2xf32>) {
  // expected-error @+1 {{expected dim 1 of 'lhs' to equal dim 0 of 'rhs', but got 8 and 4}}
  %s = ag.dot %a, %b, %c : tensor<4x8xf32>, tensor<4x2xf32>, tensor<4x2xf32>
  return
}

// -----

func.func @dot_c2_acc_shape(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %c: tensor<2x4xf32>) {
  // expected-error @+1 {{expected 'acc' to have shape [4, 2], but got [2, 4]}}
  %s = ag.dot %a, %b, %c : tensor<4x8xf32>, tensor<8x2xf32>, tensor<2x4xf32>
  return
}

// -----

func.func @dot_c3_operands_differ(%a: tensor<4x8xf16>, %b: tensor<8x2xbf16>, %c: tensor<4x2xf32>) {
  // expected-error @+1 {{expected 'lhs' and 'rhs' of one element type and 'acc' of its accumulator type, but got 'f16', 'bf16' and 'f32'}}
  %s = ag.dot %a, %b, %c : tensor<4x8xf16>, tensor<8x2xbf16>, tensor<4x2xf32>
  return
}

// -----

func.func @dot_c3_acc_too_narrow(%a: tensor<4x8xf16>, %b: tensor<8x2xf16>, %c: tensor<4x2xf16>) {
  // expected-error @+1 {{expected 'lhs' and 'rhs' of one element type and 'acc' of its accumulator type, but got 'f16', 'f16' and 'f16'}}
  %s = ag.dot %a, %b, %c : tensor<4x8xf16>, tensor<8x2xf16>, tensor<4x2xf16>
  return
}

// -----

func.func @dot_c4_keep_shape(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %c: tensor<4x2xf32>, %keep: tensor<8x4xi1>) {
  // expected-error @+1 {{expected 'keep' to have the shape of 'lhs', [4, 8], but got [8, 4]}}
  %s = "ag.dot"(%a, %b, %c, %keep) : (tensor<4x8xf32>, tensor<8x2xf32>, tensor<4x2xf32>, tensor<8x4xi1>) -> tensor<4x2xf32>
  return
}

// -----

func.func @dot_keep_no_mask(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %c: tensor<4x2xf32>) {
  // expected-error @+1 {{operand #3 must be mask tile of 1-bit signless integer values, but got 'tensor<4x8xf32>'}}
  %s = "ag.dot"(%a, %b, %c, %a) : (tensor<4x8xf32>, tensor<8x2xf32>, tensor<4x2xf32>, tensor<4x8xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @dot_result_type(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %c: tensor<4x2xf32>) {
  // expected-error @+1 {{failed to verify that all of {acc, result} have same type}}
  %s = "ag.dot"(%a, %b, %c) : (tensor<4x8xf32>, tensor<8x2xf32>, tensor<4x2xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @tile_c1_lhs(%a: tensor<3x8xf32>, %b: tensor<8x2xf32>, %c: tensor<3x2xf32>) {
  // expected-error @+1 {{expected each extent of 'lhs' to be a power of two, but got 3}}
  %s = ag.dot %a, %b, %c : tensor<3x8xf32>, tensor<8x2xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @tile_c1_rhs(%a: tensor<4x8xf32>, %b: tensor<8x6xf32>, %c: tensor<4x6xf32>) {
  // expected-error @+1 {{expected each extent of 'rhs' to be a power of two, but got 6}}
  %s = ag.dot %a, %b, %c : tensor<4x8xf32>, tensor<8x6xf32>, tensor<4x6xf32>
  return
}

// -----

// The operands may be legal where the product is too large.
func.func @tile_c2_acc(%a: tensor<2048x1xf32>, %b: tensor<1x1024xf32>, %c: tensor<2048x1024xf32>) {
  // expected-error @+1 {{expected 'acc' to have at most 1048576 elements, but got [2048, 1024]}}
  %s = ag.dot %a, %b, %c : tensor<2048x1xf32>, tensor<1x1024xf32>, tensor<2048x1024xf32>
  return
}

// -----

func.func @dot_dynamic(%a: tensor<?x8xf32>, %b: tensor<8x2xf32>, %c: tensor<4x2xf32>) {
  // expected-error @+1 {{operand #0 must be tile of scalar values, but got 'tensor<?x8xf32>'}}
  %s = ag.dot %a, %b, %c : tensor<?x8xf32>, tensor<8x2xf32>, tensor<4x2xf32>
  return
}

// -----

func.func @dot_c5_precision(%a: tensor<4x8xf16>, %b: tensor<8x2xf16>, %c: tensor<4x2xf32>) {
  // expected-error @+1 {{expected operands of f32 for a precision, but got 'f16'}}
  %s = ag.dot %a, %b, %c precision tf32 : tensor<4x8xf16>, tensor<8x2xf16>, tensor<4x2xf32>
  return
}

// -----

func.func @dot_unknown_precision(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %c: tensor<4x2xf32>) {
  // expected-error @+1 {{expected 'tf32' or 'tf32x3'}}
  %s = ag.dot %a, %b, %c precision bf16 : tensor<4x8xf32>, tensor<8x2xf32>, tensor<4x2xf32>
  return
}
