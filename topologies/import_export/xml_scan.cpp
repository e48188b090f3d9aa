// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/xml_scan.h"

#include <expat.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <utility>

#include "base/error.h"

namespace moesim::topologies {
namespace {

constexpr int kMaxDepth = 32;
constexpr int kMaxElements = 8'000'000;
constexpr const char* kNoEntities = "write the text out; entities and includes are never expanded";

struct Scan {
  XML_Parser parser = nullptr;
  const std::string* name = nullptr;
  const XmlVisitor* visitor = nullptr;
  int depth = 0;
  int elements = 0;
  std::exception_ptr failure;

  std::string place() const {
    return *name + ":" + std::to_string(XML_GetCurrentLineNumber(parser)) + ":" +
           std::to_string(XML_GetCurrentColumnNumber(parser) + 1);
  }

  // Expat is C: exceptions wait until it has returned.
  template <class Work>
  void guard(const Work& work) {
    if (failure != nullptr) return;
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
      XML_StopParser(parser, XML_FALSE);
    }
  }

  void fail(const std::string& what, const std::string& hint) const {
    throw base::Error(place(), what, hint);
  }
};

void begin_element(void* data, const char* name, const char** attributes) {
  Scan& scan = *static_cast<Scan*>(data);
  scan.guard([&] {
    if (scan.depth == kMaxDepth) {
      scan.fail("elements nest deeper than " + std::to_string(kMaxDepth), "flatten the file");
    }
    if (++scan.elements > kMaxElements) {
      scan.fail("more than " + std::to_string(kMaxElements) + " elements",
                "describe a part of the cluster");
    }
    XmlElement element;
    element.name = name;
    element.depth = scan.depth++;
    element.line = static_cast<int>(XML_GetCurrentLineNumber(scan.parser));
    element.column = static_cast<int>(XML_GetCurrentColumnNumber(scan.parser)) + 1;
    for (; *attributes != nullptr; attributes += 2) {
      element.attributes.push_back({attributes[0], attributes[1]});
    }
    scan.visitor->begin(element);
  });
}

void end_element(void* data, const char* name) {
  Scan& scan = *static_cast<Scan*>(data);
  --scan.depth;
  if (scan.visitor->end) scan.guard([&] { scan.visitor->end(name); });
}

void begin_doctype(void* data, const char*, const char*, const char*, int has_declarations) {
  Scan& scan = *static_cast<Scan*>(data);
  scan.guard([&] {
    if (has_declarations != 0) scan.fail("the DOCTYPE declares things of its own", kNoEntities);
  });
}

// Expat skips what a DTD that it does not read might declare; here it is an error.
void refuse_entities(std::string_view text, const std::string& name) {
  constexpr std::array<std::string_view, 6> known = {"&lt;",   "&gt;",   "&amp;",
                                                     "&quot;", "&apos;", "&#"};
  for (std::size_t at = text.find_first_of("&<"); at != std::string_view::npos;
       at = text.find_first_of("&<", at + 1)) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("<!--")) {
      at = std::min(text.find("-->", at), text.size() - 1);
      continue;
    }
    const auto begins = [&](std::string_view entity) { return rest.starts_with(entity); };
    if (rest[0] == '<' || std::any_of(known.begin(), known.end(), begins)) continue;
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n');
    throw base::Error(name + ":" + std::to_string(line), "an entity that XML does not know",
                      kNoEntities);
  }
}

}  // namespace

const std::string* XmlElement::find(std::string_view key) const {
  for (const Attribute& attribute : attributes) {
    if (attribute.key == key) return &attribute.value;
  }
  return nullptr;
}

void scan_xml(std::string_view text, const std::string& name, const XmlVisitor& visitor) {
  refuse_entities(text, name);
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(
      XML_ParserCreate(nullptr), &XML_ParserFree);
  Scan scan;
  scan.parser = parser.get();
  scan.name = &name;
  scan.visitor = &visitor;
  XML_SetUserData(parser.get(), &scan);
  XML_SetElementHandler(parser.get(), begin_element, end_element);
  XML_SetStartDoctypeDeclHandler(parser.get(), begin_doctype);
  const XML_Status status =
      XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
  if (scan.failure != nullptr) std::rethrow_exception(scan.failure);
  if (status != XML_STATUS_OK) {
    throw base::Error(
        scan.place(),
        std::string("malformed XML: ") + XML_ErrorString(XML_GetErrorCode(parser.get())),
        "check it with xmllint");
  }
}

}  // namespace moesim::topologies
