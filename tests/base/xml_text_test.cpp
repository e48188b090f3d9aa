// SPDX-License-Identifier: Apache-2.0
#include "base/xml_text.h"

#include <gtest/gtest.h>

namespace moesim::base {
namespace {

TEST(XmlText, MarkupBecomesEntitiesAndQuotesStay) {
  EXPECT_EQ(xml_escaped("a < b && c > 'd' \"e\""), "a &lt; b &amp;&amp; c &gt; 'd' \"e\"");
}

TEST(XmlText, EntitiesAreTextLikeAnyOther) { EXPECT_EQ(xml_escaped("&lt;"), "&amp;lt;"); }

}  // namespace
}  // namespace moesim::base
