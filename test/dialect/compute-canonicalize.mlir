// RUN: ag-opt %s -canonicalize | FileCheck %s

// A mask that is true everywhere leaves nothing out.
// CHECK-LABEL: func @dot_keep_true
// CHECK: ag.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<4x8xf32>
func.func @dot_keep_true(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %c: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %keep = arith.constant dense<true> : tensor<4x8xi1>
  %s = ag.dot %a, %b, %c keep %keep : tensor<4x8xf32>, tensor<8x2xf32>, tensor<4x2xf32>
  return %s : tensor<4x2xf32>
}

// CHECK-LABEL: func @dot_keep_unknown
// CHECK: ag.dot {{.*}} keep %{{.*}} :
func.func @dot_keep_unknown(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %c: tensor<4x2xf32>, %keep: tensor<4x8xi1>) -> tensor<4x2xf32> {
  %s = ag.dot %a, %b, %c keep %keep : tensor<4x8xf32>, tensor<8x2xf32>, tensor<4x2xf32>
  return %s : tensor<4x2xf32>
}

// A mask that is false somewhere stays.
// CHECK-LABEL: func @dot_keep_mixed
// CHECK: ag.dot {{.*}} keep %{{.*}} :
func.func @dot_keep_mixed(%a: tensor<1x2xf32>, %b: tensor<2x1xf32>, %c: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %keep = arith.constant dense<[[true, false]]> : tensor<1x2xi1>
  %s = ag.dot %a, %b, %c keep %keep : tensor<1x2xf32>, tensor<2x1xf32>, tensor<1x1xf32>
  return %s : tensor<1x1xf32>
}

// A dot reads no memory: an unused one goes.
// CHECK-LABEL: func @dot_unused
// CHECK-NEXT: return
func.func @dot_unused(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %c: tensor<4x2xf32>) {
  %s = ag.dot %a, %b, %c : tensor<4x8xf32>, tensor<8x2xf32>, tensor<4x2xf32>
  return
}
