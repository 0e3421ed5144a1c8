// RUN: ag-opt %s -split-input-file -verify-diagnostics

func.func @print_memref(%t: memref<4xf32>) {
  // expected-error @+1 {{operand #0 must be variadic of scalar or tile, but got 'memref<4xf32>'}}
  ag.print "t", %t : memref<4xf32>
  return
}

// -----

func.func @assert_tile(%m: tensor<4xi1>) {
  // expected-error @+1 {{operand #0 must be 1-bit signless integer, but got 'tensor<4xi1>'}}
  "ag.assert"(%m) {message = "no"} : (tensor<4xi1>) -> ()
  return
}
