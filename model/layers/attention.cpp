// SPDX-License-Identifier: Apache-2.0
#include "model/layers/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "model/cpu/gemm.h"
#include "model/cpu/vector_math.h"
#include "model/layers/dropout.h"

namespace moesim::model {
namespace {

// Queries are taken in blocks, so that the keys after a block, which causality hides, are not
// multiplied at all. A block's scores are kept as [keys, kQueries], one lane per query: the softmax
// then runs along the lanes, and every product with them reads and writes whole rows. Lanes past
// the sequence's end compute on zeros.
constexpr Index kQueries = 32;

// The queries [first, first + count) of a sequence, which see its keys [0, keys).
struct Block {
  Index first = 0;
  Index count = 0;
  Index keys = 0;  // first + count
};

std::vector<Block> blocks_of(Index length) {
  std::vector<Block> blocks;
  for (Index first = 0; first < length; first += kQueries) {
    const Index count = std::min(kQueries, length - first);
    blocks.push_back({first, count, first + count});
  }
  return blocks;
}

int sequences_of(const AttentionShape& shape, Index tokens) {
  return static_cast<int>((tokens + shape.seq_length - 1) / shape.seq_length);
}

// One query head in one sequence: where its rows are, in matrices with a row per token.
struct Head {
  Index index = 0;
  Index size = 0;
  Index first_token = 0;
  Index length = 0;  // tokens of the sequence
  Index query = 0;   // first column of the head's queries, keys and values in query_key_value
  Index key = 0;
  Index value = 0;

  Head(const AttentionShape& shape, Index tokens, Index sequence, Index head)
      : index(head), size(shape.head_size), first_token(sequence * shape.seq_length) {
    length = std::min<Index>(shape.seq_length, tokens - first_token);
    query = head * size;
    key = shape.query_width() + head / (shape.num_heads / shape.num_key_value_heads) * size;
    value = key + shape.key_value_width();
  }

  // From the sequence's token `row` and the column on.
  template <class S>
  const S* at(const Matrix<S>& matrix, Index row, Index column) const {
    return matrix.data() + (first_token + row) * matrix.cols() + column;
  }
  template <class S>
  S* at(Matrix<S>& matrix, Index row, Index column) const {
    return matrix.data() + (first_token + row) * matrix.cols() + column;
  }
};

// lanes, [size, kQueries] = scale x the transpose of a block's rows.
template <class S>
void transpose_block(const S* rows, Index stride, const Block& block, S scale,
                     std::vector<S>& lanes) {
  const auto size = static_cast<Index>(lanes.size()) / kQueries;
  for (Index d = 0; d < size; ++d) {
    S* const to = lanes.data() + d * kQueries;
    for (Index q = 0; q < block.count; ++q) to[q] = scale * rows[q * stride + d];
    std::fill(to + block.count, to + kQueries, S(0));
  }
}

// Key first + i is hidden from the block's queries before it, the lanes [0, i).
template <class S>
void fill_hidden(const Block& block, S value, S* scores) {
  for (Index i = 1; i < block.count; ++i) {
    std::fill_n(scores + (block.first + i) * kQueries, i, value);
  }
}

// scores = e^(scores - the lane's largest). Writes each lane's largest score and 1 / its sum.
template <class S>
void exponentials(const Block& block, S* scores, S* largest, S* inverse_sum) {
  fill_hidden(block, -std::numeric_limits<S>::infinity(), scores);
  std::copy_n(scores, kQueries, largest);
  for (Index k = 1; k < block.keys; ++k) {
    const S* const row = scores + k * kQueries;
    for (Index q = 0; q < kQueries; ++q) largest[q] = row[q] > largest[q] ? row[q] : largest[q];
  }
  S sum[kQueries] = {};
  for (Index k = 0; k < block.keys; ++k) {
    S* const row = scores + k * kQueries;
    for (Index q = 0; q < kQueries; ++q) {
      row[q] = vector_math::exp_of_negative(row[q] - largest[q]);
      sum[q] += row[q];
    }
  }
  for (Index q = 0; q < kQueries; ++q) inverse_sum[q] = S(1) / sum[q];
}

// One sequence's queries of one head, with the room that they need.
template <class S>
class HeadPass {
 public:
  HeadPass(const AttentionShape& shape, const DropoutFactors<S>& dropout, Index tokens)
      : shape_(shape),
        dropout_(dropout),
        tokens_(tokens),
        scale_(S(1) / std::sqrt(static_cast<S>(shape.head_size))),
        lanes_(shape.head_size * kQueries),
        scores_(std::min<Index>(tokens, shape.seq_length) * kQueries) {}

  void forward(const Head& head, AttentionCache<S>& cache);

 protected:
  // scores_ = scale x keys times the block's queries.
  void score(const Head& head, const Block& block, const Matrix<S>& query_key_value);
  // Multiplies the block's [keys, kQueries] by the dropout's factors.
  void drop(const Head& head, const Block& block, S* rows) const;

  const AttentionShape& shape_;
  const DropoutFactors<S>& dropout_;
  Index tokens_;
  S scale_;
  std::vector<S> lanes_;   // [head size, kQueries]
  std::vector<S> scores_;  // [keys, kQueries], then probabilities
};

template <class S>
void HeadPass<S>::score(const Head& head, const Block& block, const Matrix<S>& query_key_value) {
  const Index width = query_key_value.cols();
  transpose_block(head.at(query_key_value, block.first, head.query), width, block, scale_, lanes_);
  multiply_serial<S>({block.keys,
                      kQueries,
                      head.size,
                      {head.at(query_key_value, 0, head.key), width, 1},
                      {lanes_.data(), kQueries, 1},
                      scores_.data(),
                      kQueries});
}

template <class S>
void HeadPass<S>::drop(const Head& head, const Block& block, S* rows) const {
  if (!dropout_.is_active()) return;
  for (Index k = 0; k < block.keys; ++k) {
    const Index row = head.index * tokens_ + head.first_token + k;
    const Index element = row * shape_.seq_length + block.first;
    dropout_.apply(static_cast<std::uint64_t>(element), rows + k * kQueries, block.count);
  }
}

template <class S>
void HeadPass<S>::forward(const Head& head, AttentionCache<S>& cache) {
  S largest[kQueries];
  S inverse_sum[kQueries];
  const Index width = cache.query_key_value.cols();
  for (const Block& block : blocks_of(head.length)) {
    score(head, block, cache.query_key_value);
    exponentials(block, scores_.data(), largest, inverse_sum);
    drop(head, block, scores_.data());
    S* const mixed = head.at(cache.mixed, block.first, head.query);
    multiply_serial<S>({block.count,
                        head.size,
                        block.keys,
                        {scores_.data(), 1, kQueries},
                        {head.at(cache.query_key_value, 0, head.value), width, 1},
                        mixed,
                        cache.mixed.cols()});
    for (Index q = 0; q < block.count; ++q) {
      S* const row = mixed + q * cache.mixed.cols();
      for (Index d = 0; d < head.size; ++d) row[d] *= inverse_sum[q];
      S* const softmax = head.at(cache.softmax, block.first + q, 2 * head.index);
      softmax[0] = largest[q];
      softmax[1] = inverse_sum[q];
    }
  }
}

// The gradients of the tokens' queries, keys and values.
template <class S>
class HeadBackward : HeadPass<S> {
 public:
  HeadBackward(const AttentionShape& shape, const DropoutFactors<S>& dropout,
               const AttentionCache<S>& cache, const Matrix<S>& d_mixed)
      : HeadPass<S>(shape, dropout, d_mixed.rows()),
        cache_(cache),
        d_mixed_(d_mixed),
        d_scores_(scores_.size()),
        factors_(dropout.is_active() ? scores_.size() : 0) {}

  // Writes the gradient of the head's queries, and writes or adds to that of its keys and values.
  void run(const Head& head, bool add, Matrix<S>& d_query_key_value);

 private:
  using HeadPass<S>::scores_;
  using HeadPass<S>::lanes_;
  using HeadPass<S>::scale_;

  void probabilities(const Head& head, const Block& block);
  void score_gradients(const Head& head, const Block& block);
  // Multiplies rows, [keys, kQueries], by the block's dropout factors.
  void drop_again(const Block& block, S* rows) const {
    for (Index i = 0; i < (factors_.empty() ? 0 : block.keys * kQueries); ++i)
      rows[i] *= factors_[i];
  }

  const AttentionCache<S>& cache_;
  const Matrix<S>& d_mixed_;
  std::vector<S> d_scores_;  // [keys, kQueries]
  std::vector<S> factors_;   // [keys, kQueries] of the dropout; empty without it
};

// scores_ becomes what the forward pass saw.
template <class S>
void HeadBackward<S>::probabilities(const Head& head, const Block& block) {
  this->score(head, block, cache_.query_key_value);
  fill_hidden(block, -std::numeric_limits<S>::infinity(), scores_.data());
  S largest[kQueries] = {};
  S inverse_sum[kQueries] = {};
  for (Index q = 0; q < block.count; ++q) {
    const S* const softmax = head.at(cache_.softmax, block.first + q, 2 * head.index);
    largest[q] = softmax[0];
    inverse_sum[q] = softmax[1];
  }
  for (Index k = 0; k < block.keys; ++k) {
    S* const row = scores_.data() + k * kQueries;
    for (Index q = 0; q < kQueries; ++q) {
      row[q] = vector_math::exp_of_negative(row[q] - largest[q]) * inverse_sum[q];
    }
  }
}

// d_scores_ becomes the gradient of the scores, and scores_ the probabilities after dropout.
// d_score = scale x probability x (d_probability - mean), where the mean of d_probability by
// probability is the product of the mixed row and its gradient (arXiv 2205.14135, appendix B.2).
template <class S>
void HeadBackward<S>::score_gradients(const Head& head, const Block& block) {
  const Index width = cache_.query_key_value.cols();
  const S* const d_mixed = head.at(d_mixed_, block.first, head.query);
  transpose_block(d_mixed, d_mixed_.cols(), block, S(1), lanes_);
  multiply_serial<S>({block.keys,
                      kQueries,
                      head.size,
                      {head.at(cache_.query_key_value, 0, head.value), width, 1},
                      {lanes_.data(), kQueries, 1},
                      d_scores_.data(),
                      kQueries});
  std::fill(factors_.begin(), factors_.end(), S(1));
  this->drop(head, block, factors_.data());
  drop_again(block, d_scores_.data());
  S mean[kQueries] = {};
  for (Index q = 0; q < block.count; ++q) {
    mean[q] = row_dot(d_mixed + q * d_mixed_.cols(),
                      head.at(cache_.mixed, block.first + q, head.query), head.size);
  }
  for (Index k = 0; k < block.keys; ++k) {
    S* const row = d_scores_.data() + k * kQueries;
    const S* const probability = scores_.data() + k * kQueries;
    for (Index q = 0; q < kQueries; ++q) {
      row[q] = scale_ * probability[q] * (row[q] - mean[q]);
    }
  }
  drop_again(block, scores_.data());
}

template <class S>
void HeadBackward<S>::run(const Head& head, bool add, Matrix<S>& d_query_key_value) {
  const Index width = d_query_key_value.cols();
  const Matrix<S>& qkv = cache_.query_key_value;
  // From the last block on, which sees every key, so that it can write what the others add to.
  std::vector<Block> blocks = blocks_of(head.length);
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    probabilities(head, *block);
    score_gradients(head, *block);
    const Operand<S> d_scores{d_scores_.data(), kQueries, 1};
    const Operand<S> keys{head.at(qkv, 0, head.key), width, 1};
    const Operand<S> queries{head.at(qkv, block->first, head.query), width, 1};
    const Operand<S> d_mixed{head.at(d_mixed_, block->first, head.query), d_mixed_.cols(), 1};
    S* const d_query = head.at(d_query_key_value, block->first, head.query);
    multiply_serial<S>(
        {block->count, head.size, block->keys, d_scores.transposed(), keys, d_query, width});
    Product<S> by_key{block->keys, head.size, block->count, d_scores, queries};
    by_key.c = head.at(d_query_key_value, 0, head.key);
    by_key.c_stride = width;
    by_key.accumulate = add;
    multiply_serial(by_key);
    Product<S> by_value = by_key;
    by_value.a = {scores_.data(), kQueries, 1};
    by_value.b = d_mixed;
    by_value.c = head.at(d_query_key_value, 0, head.value);
    multiply_serial(by_value);
    add = true;
  }
}

}  // namespace

template <class S>
void Attention<S>::forward(const Matrix<S>& x, AttentionCache<S>& cache, Matrix<S>& y) const {
  const Index tokens = x.rows();
  CHECK(shape.num_heads % shape.num_key_value_heads == 0, "a key head has as many query heads");
  Linear<S>{weights.query_key_value, pass}.forward(x, cache.query_key_value);
  cache.softmax.resize(tokens, 2 * shape.num_heads);
  cache.mixed.resize(tokens, shape.query_width());
  const DropoutFactors<S> dropout(pass, shape.name, shape.dropout);
  const int heads = shape.num_heads;
  pass.threads.run(sequences_of(shape, tokens) * heads, [&](int piece) {
    const Head head(shape, tokens, piece / heads, piece % heads);
    HeadPass<S>(shape, dropout, tokens).forward(head, cache);
  });
  Linear<S>{weights.output, pass}.forward(cache.mixed, y);
}

template <class S>
void Attention<S>::backward(const Matrix<S>& x, const AttentionCache<S>& cache, const Matrix<S>& dy,
                            AttentionWeights<S>& gradient, Matrix<S>& dx) const {
  const Index tokens = x.rows();
  Matrix<S> d_mixed;
  Linear<S>{weights.output, pass}.backward(cache.mixed, dy, gradient.output, d_mixed);
  Matrix<S> d_query_key_value(tokens, cache.query_key_value.cols());
  const DropoutFactors<S> dropout(pass, shape.name, shape.dropout);
  // The heads that share a key/value head add to its gradient, one after another.
  const int groups = shape.num_key_value_heads;
  const int ratio = shape.num_heads / groups;
  pass.threads.run(sequences_of(shape, tokens) * groups, [&](int piece) {
    HeadBackward<S> backward(shape, dropout, cache, d_mixed);
    for (int i = 0; i < ratio; ++i) {
      const Head head(shape, tokens, piece / groups, piece % groups * ratio + i);
      backward.run(head, i > 0, d_query_key_value);
    }
  });
  dx.resize(0, 0);
  Linear<S>{weights.query_key_value, pass}.backward(x, d_query_key_value, gradient.query_key_value,
                                                    dx);
}

template <class S>
void Attention<S>::next(const Matrix<S>& x, KeyValueCache<S>& past, Matrix<S>& y) const {
  CHECK(x.rows() == 1 && past.length < past.keys.rows(), "one token, and room for it");
  Matrix<S> query_key_value;
  Linear<S>{weights.query_key_value, pass}.forward(x, query_key_value);
  const Index query_width = shape.query_width();
  const Index width = shape.key_value_width();
  past.keys.row(past.length) = query_key_value.row(0).segment(query_width, width);
  past.values.row(past.length) = query_key_value.row(0).tail(width);
  const Index length = ++past.length;

  const Index size = shape.head_size;
  const Index ratio = shape.num_heads / shape.num_key_value_heads;
  const S scale = S(1) / std::sqrt(static_cast<S>(size));
  Matrix<S> mixed = Matrix<S>::Zero(1, query_width);
  std::vector<S> scores(length);
  for (Index head = 0; head < shape.num_heads; ++head) {
    const S* const query = query_key_value.data() + head * size;
    const Index column = head / ratio * size;
    for (Index k = 0; k < length; ++k) {
      scores[k] = scale * row_dot(query, past.keys.data() + k * width + column, size);
    }
    softmax_in_place(scores.data(), length);
    for (Index k = 0; k < length; ++k) {
      mixed.row(0).segment(head * size, size) +=
          scores[k] * past.values.row(k).segment(column, size);
    }
  }
  Linear<S>{weights.output, pass}.forward(mixed, y);
}

template struct Attention<float>;
template struct Attention<double>;

}  // namespace moesim::model
