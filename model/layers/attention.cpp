// SPDX-License-Identifier: Apache-2.0
#include "model/layers/attention.h"

#include <algorithm>
#include <cmath>

namespace moesim::model {
namespace {

// Queries are taken in blocks, so that the keys after a block, which causality hides, are not
// multiplied at all.
constexpr Index kQueryBlock = 32;

// A block of one head's queries in one window: queries [row, row + queries) see the window's keys
// [first_key, row] at most.
struct HeadBlock {
  Index first_key = 0;
  Index row = 0;
  Index queries = 0;
  Index keys = 0;    // row + queries - first_key
  Index column = 0;  // of the head, in a [tokens, hidden] matrix
  Index head_size = 0;
  Index first_probability = 0;  // row of the head's first token in AttentionCache::probabilities
};

template <class Visitor>
void for_each_block(const AttentionShape& shape, Index tokens, Index hidden, Visitor&& visit) {
  const Index head_size = hidden / shape.num_heads;
  for (Index first_key = 0; first_key < tokens; first_key += shape.seq_length) {
    const Index end = std::min<Index>(tokens, first_key + shape.seq_length);
    for (Index head = 0; head < shape.num_heads; ++head) {
      for (Index row = first_key; row < end; row += kQueryBlock) {
        const Index queries = std::min(kQueryBlock, end - row);
        visit(HeadBlock{first_key, row, queries, row + queries - first_key, head * head_size,
                        head_size, head * tokens});
      }
    }
  }
}

template <class S>
auto probabilities_of(const HeadBlock& block, Matrix<S>& probabilities) {
  return probabilities.block(block.first_probability + block.row, 0, block.queries, block.keys);
}

template <class S>
auto probabilities_of(const HeadBlock& block, const Matrix<S>& probabilities) {
  return probabilities.block(block.first_probability + block.row, 0, block.queries, block.keys);
}

// Softmax of each row over the keys that causality leaves it; exactly 0 for the others.
template <class Rows>
void causal_softmax(const HeadBlock& block, Rows&& scores) {
  using S = typename std::decay_t<Rows>::Scalar;
  const Index before = block.row - block.first_key;
  for (Index i = 0; i < block.queries; ++i) {
    const Index seen = before + i + 1;
    const S largest = scores.row(i).head(seen).maxCoeff();
    // The whole row goes through the exponential: aligned and vectorised, unlike its odd head.
    scores.row(i).tail(block.keys - seen).setConstant(largest);
    auto row = scores.row(i).array();
    row = (row - largest).exp();
    scores.row(i).tail(block.keys - seen).setZero();
    row *= S(1) / row.sum();
  }
}

}  // namespace

template <class S>
Matrix<S> attention(const AttentionWeights<S>& weights, const AttentionShape& shape,
                    const Matrix<S>& x, AttentionCache<S>& cache) {
  const Index tokens = x.rows();
  const Index hidden = x.cols();
  cache.input = x;
  cache.query_key_value.noalias() = x * weights.query_key_value;
  cache.probabilities.resize(shape.num_heads * tokens, shape.seq_length);
  cache.mixed.resize(tokens, hidden);
  const Index head_size = hidden / shape.num_heads;
  const S scale = S(1) / std::sqrt(static_cast<S>(head_size));
  const Matrix<S>& qkv = cache.query_key_value;
  for_each_block(shape, tokens, hidden, [&](const HeadBlock& b) {
    const auto query = qkv.block(b.row, b.column, b.queries, b.head_size);
    const auto key = qkv.block(b.first_key, hidden + b.column, b.keys, b.head_size);
    const auto value = qkv.block(b.first_key, 2 * hidden + b.column, b.keys, b.head_size);
    auto scores = probabilities_of(b, cache.probabilities);
    scores.noalias() = scale * query * key.transpose();
    causal_softmax(b, scores);
    cache.mixed.block(b.row, b.column, b.queries, b.head_size).noalias() = scores * value;
  });
  return cache.mixed * weights.output;
}

template <class S>
Matrix<S> attention_backward(const AttentionWeights<S>& weights, const AttentionShape& shape,
                             const AttentionCache<S>& cache, const Matrix<S>& dy,
                             AttentionWeights<S>& gradient) {
  const Index tokens = dy.rows();
  const Index hidden = dy.cols();
  gradient.output.noalias() = cache.mixed.transpose() * dy;
  const Matrix<S> d_mixed = dy * weights.output.transpose();
  Matrix<S> d_qkv = Matrix<S>::Zero(tokens, 3 * hidden);
  Matrix<S> d_scores;
  const Index head_size = hidden / shape.num_heads;
  const S scale = S(1) / std::sqrt(static_cast<S>(head_size));
  const Matrix<S>& qkv = cache.query_key_value;
  for_each_block(shape, tokens, hidden, [&](const HeadBlock& b) {
    const auto query = qkv.block(b.row, b.column, b.queries, b.head_size);
    const auto key = qkv.block(b.first_key, hidden + b.column, b.keys, b.head_size);
    const auto value = qkv.block(b.first_key, 2 * hidden + b.column, b.keys, b.head_size);
    const auto probabilities = probabilities_of(b, cache.probabilities);
    const auto d_out = d_mixed.block(b.row, b.column, b.queries, b.head_size);
    d_scores.resize(b.queries, b.keys);
    d_scores.noalias() = d_out * value.transpose();
    for (Index i = 0; i < b.queries; ++i) {
      const auto p = probabilities.row(i).array();
      auto row = d_scores.row(i).array();
      const S mean = (row * p).sum();
      row = scale * p * (row - mean);
    }
    d_qkv.block(b.row, b.column, b.queries, b.head_size).noalias() += d_scores * key;
    d_qkv.block(b.first_key, hidden + b.column, b.keys, b.head_size).noalias() +=
        d_scores.transpose() * query;
    d_qkv.block(b.first_key, 2 * hidden + b.column, b.keys, b.head_size).noalias() +=
        probabilities.transpose() * d_out;
  });
  gradient.query_key_value.noalias() = cache.input.transpose() * d_qkv;
  return d_qkv * weights.query_key_value.transpose();
}

template Matrix<float> attention(const AttentionWeights<float>&, const AttentionShape&,
                                 const Matrix<float>&, AttentionCache<float>&);
template Matrix<double> attention(const AttentionWeights<double>&, const AttentionShape&,
                                  const Matrix<double>&, AttentionCache<double>&);
template Matrix<float> attention_backward(const AttentionWeights<float>&, const AttentionShape&,
                                          const AttentionCache<float>&, const Matrix<float>&,
                                          AttentionWeights<float>&);
template Matrix<double> attention_backward(const AttentionWeights<double>&, const AttentionShape&,
                                           const AttentionCache<double>&, const Matrix<double>&,
                                           AttentionWeights<double>&);

}  // namespace moesim::model
