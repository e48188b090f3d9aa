// SPDX-License-Identifier: Apache-2.0
// Field numbers of the part of Perfetto's trace format in use here, under the names they have in
// protos/perfetto/trace/**/*.proto of github.com/google/perfetto (v58.2).
#pragma once

#include <protozero/types.hpp>

namespace moesim::sim::perfetto {

using Tag = protozero::pbf_tag_type;

namespace trace {
inline constexpr Tag packet = 1;
}

namespace trace_packet {
inline constexpr Tag timestamp = 8;
inline constexpr Tag trusted_packet_sequence_id = 10;
inline constexpr Tag track_event = 11;
inline constexpr Tag interned_data = 12;
inline constexpr Tag sequence_flags = 13;
inline constexpr Tag track_descriptor = 60;
}  // namespace trace_packet

namespace sequence_flags {
inline constexpr int incremental_state_cleared = 1;
inline constexpr int needs_incremental_state = 2;
}  // namespace sequence_flags

namespace track_descriptor {
inline constexpr Tag uuid = 1;
inline constexpr Tag name = 2;
inline constexpr Tag process = 3;
inline constexpr Tag thread = 4;
inline constexpr Tag parent_uuid = 5;
inline constexpr Tag counter = 8;
}  // namespace track_descriptor

namespace process_descriptor {
inline constexpr Tag pid = 1;
inline constexpr Tag process_name = 6;
}  // namespace process_descriptor

namespace thread_descriptor {
inline constexpr Tag pid = 1;
inline constexpr Tag tid = 2;
inline constexpr Tag thread_name = 5;
}  // namespace thread_descriptor

namespace counter_descriptor {
inline constexpr Tag unit_name = 6;
}

namespace track_event {
inline constexpr Tag category_iids = 3;
inline constexpr Tag debug_annotations = 4;
inline constexpr Tag type = 9;
inline constexpr Tag name_iid = 10;
inline constexpr Tag track_uuid = 11;
inline constexpr Tag double_counter_value = 44;
inline constexpr Tag flow_ids = 47;
inline constexpr Tag terminating_flow_ids = 48;
}  // namespace track_event

namespace event_type {
inline constexpr int slice_begin = 1;
inline constexpr int slice_end = 2;
inline constexpr int instant = 3;
inline constexpr int counter = 4;
}  // namespace event_type

namespace debug_annotation {
inline constexpr Tag name_iid = 1;
inline constexpr Tag bool_value = 2;
inline constexpr Tag int_value = 4;
inline constexpr Tag string_value = 6;
}  // namespace debug_annotation

namespace interned_data {
inline constexpr Tag event_categories = 1;
inline constexpr Tag event_names = 2;
inline constexpr Tag debug_annotation_names = 3;
}  // namespace interned_data

namespace interned_string {
inline constexpr Tag iid = 1;
inline constexpr Tag name = 2;
}  // namespace interned_string

}  // namespace moesim::sim::perfetto
