// RUN: ag-opt %s -split-input-file -verify-diagnostics

func.func @philox_c1_seed(%seed: i32, %c: i32) {
  // expected-error @+1 {{expected operand 0 to hold i64 in shape [], but got 'i32'}}
  %r = ag.philox %seed, %seed, %c, %c, %c, %c : (i32, i32, i32, i32, i32, i32) -> i32
  return
}

// -----

func.func @philox_c1_counter(%seed: i64, %c: i32) {
  // expected-error @+1 {{expected operand 5 to hold i32 in shape [], but got 'i64'}}
  %r = ag.philox %seed, %seed, %c, %c, %c, %seed : (i64, i64, i32, i32, i32, i64) -> i32
  return
}

// -----

func.func @philox_c1_shape(%seed: tensor<4xi64>, %c: i32) {
  // expected-error @+1 {{expected operand 0 to hold i64 in shape [], but got 'tensor<4xi64>'}}
  %r = ag.philox %seed, %seed, %c, %c, %c, %c : (tensor<4xi64>, tensor<4xi64>, i32, i32, i32, i32) -> i32
  return
}

// -----

func.func @philox_c1_result(%seed: i64, %c: i32) {
  // expected-error @+1 {{expected 'result' to hold i32, but got 'i64'}}
  %r = ag.philox %seed, %seed, %c, %c, %c, %c : (i64, i64, i32, i32, i32, i32) -> i64
  return
}
