// SPDX-License-Identifier: Apache-2.0
#include "sim/report/writers/perfetto_trace.h"

#include <gtest/gtest.h>

#include <map>
#include <protozero/pbf_reader.hpp>
#include <set>

#include "sim/report/writers/perfetto_fields.h"
#include "tests/sim/report/writers/example_step.h"

namespace moesim::sim {
namespace {

namespace pf = perfetto;
using protozero::pbf_reader;

struct Event {
  std::uint64_t time_ns = 0;
  int type = 0;
  std::uint64_t track = 0;
  std::uint64_t name = 0;
  double value = 0;
  std::vector<std::uint64_t> flows_out;
  std::vector<std::uint64_t> flows_in;
  std::map<std::uint64_t, std::int64_t> numbers;  // debug annotation's name -> integer
};

struct Track {
  std::string name;  // of process, thread or counter
  std::uint64_t parent = 0;
  std::string unit;
};

struct Decoded {
  std::vector<Event> events;
  std::map<std::uint64_t, Track> tracks;
  std::map<std::uint64_t, std::string> event_names;
  std::map<std::uint64_t, std::string> annotation_names;
};

void read_annotation(pbf_reader annotation, Event& event) {
  std::uint64_t name = 0;
  while (annotation.next()) {
    if (annotation.tag() == pf::debug_annotation::name_iid) {
      name = annotation.get_uint64();
    } else if (annotation.tag() == pf::debug_annotation::int_value) {
      event.numbers[name] = annotation.get_int64();
    } else {
      annotation.skip();
    }
  }
}

Event read_event(pbf_reader body, std::uint64_t time_ns) {
  Event event;
  event.time_ns = time_ns;
  while (body.next()) {
    switch (body.tag()) {
      case pf::track_event::type:
        event.type = body.get_enum();
        break;
      case pf::track_event::track_uuid:
        event.track = body.get_uint64();
        break;
      case pf::track_event::name_iid:
        event.name = body.get_uint64();
        break;
      case pf::track_event::double_counter_value:
        event.value = body.get_double();
        break;
      case pf::track_event::flow_ids:
        event.flows_out.push_back(body.get_fixed64());
        break;
      case pf::track_event::terminating_flow_ids:
        event.flows_in.push_back(body.get_fixed64());
        break;
      case pf::track_event::debug_annotations:
        read_annotation(body.get_message(), event);
        break;
      default:
        body.skip();
    }
  }
  return event;
}

// The string under `wanted` of a process, thread or counter descriptor.
std::string read_string(pbf_reader message, pf::Tag wanted) {
  std::string text;
  while (message.next()) {
    if (message.tag() == wanted) {
      text = message.get_string();
    } else {
      message.skip();
    }
  }
  return text;
}

void read_track(pbf_reader descriptor, Decoded& decoded) {
  Track track;
  std::uint64_t uuid = 0;
  while (descriptor.next()) {
    switch (descriptor.tag()) {
      case pf::track_descriptor::uuid:
        uuid = descriptor.get_uint64();
        break;
      case pf::track_descriptor::name:
        track.name = descriptor.get_string();
        break;
      case pf::track_descriptor::parent_uuid:
        track.parent = descriptor.get_uint64();
        break;
      case pf::track_descriptor::process:
        track.name = read_string(descriptor.get_message(), pf::process_descriptor::process_name);
        break;
      case pf::track_descriptor::thread:
        track.name = read_string(descriptor.get_message(), pf::thread_descriptor::thread_name);
        break;
      case pf::track_descriptor::counter:
        track.unit = read_string(descriptor.get_message(), pf::counter_descriptor::unit_name);
        break;
      default:
        descriptor.skip();
    }
  }
  EXPECT_TRUE(decoded.tracks.emplace(uuid, track).second) << "each track has one description";
}

void read_name(pbf_reader entry, std::map<std::uint64_t, std::string>& names) {
  std::uint64_t iid = 0;
  std::string name;
  while (entry.next()) {
    if (entry.tag() == pf::interned_string::iid) {
      iid = entry.get_uint64();
    } else {
      name = entry.get_string();
    }
  }
  names[iid] = name;
}

void read_names(pbf_reader data, Decoded& decoded) {
  while (data.next()) {
    if (data.tag() == pf::interned_data::event_names) {
      read_name(data.get_message(), decoded.event_names);
    } else if (data.tag() == pf::interned_data::debug_annotation_names) {
      read_name(data.get_message(), decoded.annotation_names);
    } else {
      data.skip();
    }
  }
}

void read_packet(pbf_reader packet, Decoded& decoded) {
  std::uint64_t time_ns = 0;
  while (packet.next()) {
    switch (packet.tag()) {
      case pf::trace_packet::timestamp:
        time_ns = packet.get_uint64();
        break;
      case pf::trace_packet::interned_data:
        read_names(packet.get_message(), decoded);
        break;
      case pf::trace_packet::track_descriptor:
        read_track(packet.get_message(), decoded);
        break;
      case pf::trace_packet::track_event:
        decoded.events.push_back(read_event(packet.get_message(), time_ns));
        break;
      default:
        packet.skip();
    }
  }
}

Decoded decoded_example() {
  const testing::ExampleStep example;
  const std::string bytes = render_perfetto_trace(draw_trace(example.input()));
  Decoded decoded;
  pbf_reader trace(bytes);
  while (trace.next(pf::trace::packet)) read_packet(trace.get_message(), decoded);
  return decoded;
}

std::vector<Event> events_of(const Decoded& decoded, int type) {
  std::vector<Event> events;
  for (const Event& event : decoded.events) {
    if (event.type == type) events.push_back(event);
  }
  return events;
}

// Nine spans: each track's events alternate between begin and end, in time order.
TEST(PerfettoTrace, EveryBeginHasItsEnd) {
  std::map<std::uint64_t, std::pair<bool, std::uint64_t>> open;  // [track] is open, since when
  int begins = 0;
  for (const Event& event : decoded_example().events) {
    if (event.type > pf::event_type::slice_end) continue;
    auto& [is_open, since] = open[event.track];
    EXPECT_EQ(is_open, event.type == pf::event_type::slice_end);
    EXPECT_GE(event.time_ns, since);
    is_open = !is_open;
    since = event.time_ns;
    begins += is_open ? 1 : 0;
  }
  EXPECT_EQ(begins, 9);
  EXPECT_EQ(open.size(), 4u);
  for (const auto& [track, state] : open) EXPECT_FALSE(state.first) << "track " << track;
}

// The second span of rank 0's compute stream is its expert, from 5000 to 6250 ns.
TEST(PerfettoTrace, TimesAreWholeNanoseconds) {
  const Decoded decoded = decoded_example();
  const Event begin = events_of(decoded, pf::event_type::slice_begin)[1];
  EXPECT_EQ(decoded.event_names.at(begin.name), to_text({Phase::expert, 0, 0, false}));
  EXPECT_EQ(begin.time_ns, 5000u);
  EXPECT_EQ(events_of(decoded, pf::event_type::slice_end)[1].time_ns, 6250u);
}

TEST(PerfettoTrace, EveryArrowLeavesOnceAndArrivesOnce) {
  std::multiset<std::uint64_t> out;
  std::multiset<std::uint64_t> in;
  for (const Event& event : decoded_example().events) {
    out.insert(event.flows_out.begin(), event.flows_out.end());
    in.insert(event.flows_in.begin(), event.flows_in.end());
  }
  EXPECT_EQ(out, (std::multiset<std::uint64_t>{1, 2}));
  EXPECT_EQ(in, out);
}

// Rank 0's dispatch is the fourth span: 3000 B out, 1000 B in.
TEST(PerfettoTrace, SpanCarriesItsBytes) {
  const Decoded decoded = decoded_example();
  const Event dispatch = events_of(decoded, pf::event_type::slice_begin)[3];
  std::map<std::string, std::int64_t> numbers;
  for (const auto& [name, value] : dispatch.numbers) {
    numbers[decoded.annotation_names.at(name)] = value;
  }
  const std::map<std::string, std::int64_t> expected = {
      {"layer", 0}, {"micro_batch", 0}, {"sent_bytes", 3000}, {"received_bytes", 1000}};
  EXPECT_EQ(numbers, expected);
}

TEST(PerfettoTrace, TracksFormTheTreeOfRanksAndStreams) {
  const Decoded decoded = decoded_example();
  std::multiset<std::string> paths;
  for (const auto& [uuid, track] : decoded.tracks) {
    paths.insert(track.parent == 0 ? track.name
                                   : decoded.tracks.at(track.parent).name + "/" + track.name);
  }
  const std::multiset<std::string> expected = {"links",
                                               "links/gpu0->gpu1",
                                               "links/gpu1->gpu0",
                                               "provenance",
                                               "rank 0 (node0)",
                                               "rank 0 (node0)/compute",
                                               "rank 0 (node0)/comm",
                                               "rank 1 (node1)",
                                               "rank 1 (node1)/compute",
                                               "rank 1 (node1)/comm"};
  EXPECT_EQ(paths, expected);
}

// Both links' last samples: 0 at 12 us; gpu1->gpu0 peaks at 1.5 GB/s.
TEST(PerfettoTrace, CountersHaveAUnitAndEndAtZero) {
  const Decoded decoded = decoded_example();
  std::map<std::string, Event> last;
  std::map<std::string, double> peak;
  for (const Event& sample : events_of(decoded, pf::event_type::counter)) {
    const Track& track = decoded.tracks.at(sample.track);
    EXPECT_EQ(track.unit, "GB/s");
    last[track.name] = sample;
    peak[track.name] = std::max(peak[track.name], sample.value);
  }
  ASSERT_EQ(last.size(), 2u);
  for (const auto& [name, sample] : last) {
    EXPECT_EQ(sample.time_ns, 12000u) << name;
    EXPECT_EQ(sample.value, 0) << name;
  }
  EXPECT_DOUBLE_EQ(peak["gpu1->gpu0"], 1.5);
}

}  // namespace
}  // namespace moesim::sim
