// SPDX-License-Identifier: Apache-2.0
// One collective, as an MPI program. Every rank prints when it began and ended, in simulated
// seconds.
//   collective alltoallv FILE     FILE: n lines of n byte counts, line i is what rank i sends
//   collective allreduce BYTES
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char* why) {
  fprintf(stderr, "collective: %s\n", why);
  MPI_Abort(MPI_COMM_WORLD, 2);
}

// counts[i * n + j]: what rank i sends rank j.
static int* read_counts(const char* path, int n) {
  FILE* file = fopen(path, "r");
  if (file == NULL) fail("cannot read the matrix");
  int* counts = malloc((size_t)n * (size_t)n * sizeof(int));
  for (int i = 0; i < n * n; ++i) {
    if (fscanf(file, "%d", &counts[i]) != 1) fail("the matrix is too short");
  }
  fclose(file);
  return counts;
}

// Buffers' contents are never looked at, so all messages may share one.
static char* buffer_of(size_t bytes) {
  char* buffer = malloc(bytes > 0 ? bytes : 1);
  if (buffer == NULL) fail("out of memory");
  return buffer;
}

static void alltoallv(const char* path, int rank, int n) {
  int* matrix = read_counts(path, n);
  int* counts = calloc(4 * (size_t)n, sizeof(int));
  int *sent = counts, *sent_at = counts + n, *got = counts + 2 * n, *got_at = counts + 3 * n;
  size_t out = 0, in = 0;
  for (int other = 0; other < n; ++other) {
    sent[other] = matrix[rank * n + other];
    got[other] = matrix[other * n + rank];
    sent_at[other] = (int)out;
    got_at[other] = (int)in;
    out += (size_t)sent[other];
    in += (size_t)got[other];
  }
  char* from = buffer_of(out);
  char* into = buffer_of(in);
  MPI_Alltoallv(from, sent, sent_at, MPI_BYTE, into, got, got_at, MPI_BYTE, MPI_COMM_WORLD);
  free(from);
  free(into);
  free(counts);
  free(matrix);
}

static void allreduce(int bytes) {
  float* from = (float*)buffer_of((size_t)bytes);
  float* into = (float*)buffer_of((size_t)bytes);
  memset(from, 0, (size_t)bytes);
  MPI_Allreduce(from, into, bytes / (int)sizeof(float), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
  free(from);
  free(into);
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank, n;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n);
  if (argc != 3) fail("usage: collective alltoallv FILE | collective allreduce BYTES");
  const double begin = MPI_Wtime();
  if (strcmp(argv[1], "alltoallv") == 0) {
    alltoallv(argv[2], rank, n);
  } else if (strcmp(argv[1], "allreduce") == 0) {
    allreduce(atoi(argv[2]));
  } else {
    fail("no such collective");
  }
  printf("%.17g %.17g\n", begin, MPI_Wtime());
  MPI_Finalize();
  return 0;
}
