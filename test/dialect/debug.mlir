// RUN: ag-opt %s | ag-opt | FileCheck %s
// RUN: ag-opt %s -canonicalize | FileCheck %s

// Both are effects: they stay where they are, in their order.
// CHECK-LABEL: func @print_and_assert
// CHECK-NEXT: ag.print "begin"
// CHECK-NEXT: ag.print "row max", %{{.*}}, %{{.*}} : tensor<64xf32>, i32
// CHECK-NEXT: ag.assert %{{.*}}, "a bucket must not be negative"
func.func @print_and_assert(%m: tensor<64xf32>, %i: i32, %ok: i1) {
  ag.print "begin"
  ag.print "row max", %m, %i : tensor<64xf32>, i32
  ag.assert %ok, "a bucket must not be negative"
  return
}
