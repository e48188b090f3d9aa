// SPDX-License-Identifier: Apache-2.0
// Completes errors that know the JSON pointer alone: checks across fields see values, not the
// document that they came from.
#pragma once

#include <string>

#include "base/error.h"
#include "base/json_reader.h"

namespace moesim::experiments {

// The error with "file:line:column" (or the flag) before the pointer that its `where` begins with.
// `document` is the file's tree, presets resolved, and `root` says what it is read into
// (base::struct_codec_of). A key under another of its names is found and named as it was written;
// for an absent key the place is that of the nearest object around it. An error whose `where` is no
// pointer comes back as it is.
base::Error with_place(const base::Error& error, const base::JsonValue& document,
                       const base::StructCodecPtr& root);

// The error's `where` without the place that with_place() gave it, for rows: they are the same from
// whichever folder the file is named.
std::string pointer_of(const base::Error& error, const base::StructCodecPtr& root);

}  // namespace moesim::experiments
