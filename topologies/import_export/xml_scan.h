// SPDX-License-Identifier: Apache-2.0
// XML element by element, strict and bounded: no document type of its own, no entities but XML's
// five, nothing outside the text is opened.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "topologies/import_export/cluster_reader.h"

namespace moesim::topologies {

struct XmlElement {
  std::string name;
  Attributes attributes;
  int depth = 0;  // 0: the root
  int line = 0;
  int column = 0;

  const std::string* find(std::string_view key) const;
};

struct XmlVisitor {
  std::function<void(const XmlElement&)> begin;
  std::function<void(const std::string&)> end;  // the element's name; may be empty
};

// Calls the visitor for every element in the document's order; text between elements is skipped.
// What a visitor throws is passed on. Throws base::Error with `name`, line and column on malformed
// XML, a DOCTYPE with declarations, unknown entities, nesting deeper than 32, and more than
// 8,000,000 elements.
void scan_xml(std::string_view text, const std::string& name, const XmlVisitor& visitor);

}  // namespace moesim::topologies
