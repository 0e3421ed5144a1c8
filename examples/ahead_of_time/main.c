/* Attention in a C program, by a kernel that was compiled when the program was
 * built, compared with the same computation as a plain loop. */

#include "attention.h" /* made by ag_add_kernels(attention ...) */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { heads = 3, queries = 50, keys = 70, width = 64 };

static float q[heads][queries][width], k[heads][keys][width];
static float v[heads][keys][width], o[heads][queries][width];

/* softmax(q k^T / sqrt(width)) v by its definition. */
static double plain(int head, int row, int column) {
  double weighted = 0, sum = 0;
  for (int key = 0; key < keys; ++key) {
    double score = 0;
    for (int d = 0; d < width; ++d)
      score += (double)q[head][row][d] * k[head][key][d];
    double p = exp(score / sqrt(width));
    sum += p;
    weighted += p * v[head][key][column];
  }
  return weighted / sum;
}

static void fill(float *values, size_t count) {
  for (size_t i = 0; i < count; ++i)
    values[i] = (float)rand() / (float)RAND_MAX * 2 - 1;
}

int main(void) {
  fill(&q[0][0][0], sizeof q / sizeof(float));
  fill(&k[0][0][0], sizeof k / sizeof(float));
  fill(&v[0][0][0], sizeof v / sizeof(float));

  /* An array is a pointer and its sizes; without strides it is row-major. */
  const int64_t by_query[] = {1, heads, queries, width};
  const int64_t by_key[] = {1, heads, keys, width};
  ag_array q_array = {q, AG_F32, 4, by_query, NULL};
  ag_array k_array = {k, AG_F32, 4, by_key, NULL};
  ag_array v_array = {v, AG_F32, 4, by_key, NULL};
  ag_array o_array = {o, AG_F32, 4, by_query, NULL};

  /* Every argument is checked before anything is written. What may be null is
   * an output that nobody wants, or a scalar with a default. */
  if (attention_flash_fwd(&q_array, &k_array, &v_array, &o_array, NULL, NULL,
                          /*causal=*/false)) {
    fprintf(stderr, "%s\n", ag_last_error());
    return 1;
  }

  double largest = 0;
  for (int head = 0; head < heads; ++head)
    for (int row = 0; row < queries; ++row)
      for (int d = 0; d < width; ++d)
        largest = fmax(largest, fabs(o[head][row][d] - plain(head, row, d)));
  printf("o[0, 0, :4] = %9.6f %9.6f %9.6f %9.6f\n", o[0][0][0], o[0][0][1],
         o[0][0][2], o[0][0][3]);
  printf("kernel and plain loop differ by %.1e\n", largest);

  /* A mistake is a code and a text. */
  v_array.dtype = AG_BF16;
  if (attention_flash_fwd(&q_array, &k_array, &v_array, &o_array, NULL, NULL,
                          false))
    printf("a wrong call says: %s\n", ag_last_error());
  return largest < 1e-5 ? 0 : 1;
}
