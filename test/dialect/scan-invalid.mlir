// RUN: ag-opt %s -split-input-file -verify-diagnostics

// ag.scan, ag.scan_with, ag.reduce_with and ag.sort, named after the
// constraints of dialect/ReduceOps.td.

func.func @scan_c1(%x: tensor<8xf32>) {
  // expected-error @+1 {{expected 'axis' to be an axis of 'input', which has rank 1, but got 1}}
  %s = ag.scan sum %x axis 1 : tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @scan_c1_negative(%x: tensor<8xf32>) {
  // expected-error @+1 {{expected 'axis' to be an axis of 'input', which has rank 1, but got -1}}
  %s = ag.scan sum %x axis -1 : tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @scan_c2_shape(%x: tensor<8xf32>) {
  // expected-error @+1 {{expected 'result' to be 'tensor<8xf32>', but got 'tensor<4xf32>'}}
  %s = ag.scan sum %x axis 0 : tensor<8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @scan_c2_sum_widens(%x: tensor<8xf16>) {
  // expected-error @+1 {{expected 'result' to be 'tensor<8xf32>', but got 'tensor<8xf16>'}}
  %s = ag.scan sum %x axis 0 : tensor<8xf16> -> tensor<8xf16>
  return
}

// -----

func.func @scan_c2_product_does_not(%x: tensor<8xf16>) {
  // expected-error @+1 {{expected 'result' to be 'tensor<8xf16>', but got 'tensor<8xf32>'}}
  %s = ag.scan prod %x axis 0 : tensor<8xf16> -> tensor<8xf32>
  return
}

// -----

func.func @reduce_with_c1(%x: tensor<8xf32>) {
  // expected-error @+1 {{expected 'axis' to be an axis of 'input', which has rank 1, but got 3}}
  %r = ag.reduce_with %x axis 3 : tensor<8xf32> -> f32 {
  ^bb0(%a: f32, %b: f32):
    ag.yield %a : f32
  }
  return
}

// -----

func.func @reduce_with_c2(%x: tensor<8x4xf32>) {
  // expected-error @+1 {{expected 'result' to have shape [8] and element type 'f32', but got 'tensor<4xf32>'}}
  %r = ag.reduce_with %x axis 1 : tensor<8x4xf32> -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    ag.yield %a : f32
  }
  return
}

// -----

func.func @reduce_with_c3_arguments(%x: tensor<8xf32>) {
  // expected-error @+1 {{expected 'combine' to take two values of type 'f32' and to yield one}}
  %r = ag.reduce_with %x axis 0 : tensor<8xf32> -> f32 {
  ^bb0(%a: f32):
    ag.yield %a : f32
  }
  return
}

// -----

func.func @reduce_with_c3_yield(%x: tensor<8xf32>, %n: i32) {
  // expected-error @+1 {{expected 'combine' to take two values of type 'f32' and to yield one}}
  %r = ag.reduce_with %x axis 0 : tensor<8xf32> -> f32 {
  ^bb0(%a: f32, %b: f32):
    ag.yield %n : i32
  }
  return
}

// -----

func.func @scan_with_c1(%x: tensor<8xf32>) {
  // expected-error @+1 {{expected 'axis' to be an axis of 'input', which has rank 1, but got 2}}
  %r = ag.scan_with %x axis 2 : tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    ag.yield %a : f32
  }
  return
}

// -----

func.func @scan_with_c2(%x: tensor<8xf32>) {
  // expected-error @+1 {{expected 'combine' to take two values of type 'f32' and to yield one}}
  %r = ag.scan_with %x axis 0 : tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    ag.yield
  }
  return
}

// -----

func.func @yield_outside(%x: f32) {
  // expected-error @+1 {{expects parent op to be one of 'ag.reduce_with, ag.scan_with'}}
  ag.yield %x : f32
}

// -----

func.func @sort_c1(%x: tensor<8xf32>) {
  // expected-error @+1 {{expected 'axis' to be an axis of 'keys', which has rank 1, but got 1}}
  %k = ag.sort %x axis 1 : tensor<8xf32>
  return
}

// -----

func.func @sort_c2_shape(%x: tensor<8xf32>, %n: tensor<4xi32>) {
  // expected-error @+1 {{expected payloads to have the shape of the keys, [8], but got [4]}}
  %k, %i = ag.sort %x, %n axis 0 : tensor<8xf32>, tensor<4xi32>
  return
}

// -----

func.func @sort_c2_results(%x: tensor<8xf32>) {
  // expected-error @+1 {{expected keys, and results of the types of keys and payloads}}
  %k = "ag.sort"(%x) {axis = 0 : i64} : (tensor<8xf32>) -> tensor<8xi32>
  return
}

// -----

func.func @sort_c2_no_keys() {
  // expected-error @+1 {{expected keys, and results of the types of keys and payloads}}
  "ag.sort"() {axis = 0 : i64} : () -> ()
  return
}
