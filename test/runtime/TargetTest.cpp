// Targets and their names.

#include "attn_grid/target.hpp"
#include "attn_grid/error.hpp"
#include <gtest/gtest.h>

namespace attn_grid {
namespace {

TEST(Target, NamesAreReadAsTheyArePrinted) {
  EXPECT_EQ(to_string(Target()), "cpu");
  EXPECT_EQ(parse_target("cpu"), Target());
  EXPECT_EQ(parse_target("cpu:native"), Target());
  for (const std::string &arch : cpu_archs()) {
    Target target{Target::Kind::cpu, arch};
    EXPECT_EQ(to_string(target), "cpu:" + arch);
    EXPECT_EQ(parse_target(to_string(target)), target);
  }
  for (const std::string &arch : ptx_archs()) {
    Target target{Target::Kind::ptx, arch};
    EXPECT_EQ(to_string(target), arch);
    EXPECT_EQ(parse_target(arch), target);
  }
}

TEST(Target, AnUnknownNameListsWhatThereIs) {
  for (const char *name : {"", "cpu:", "gpu", "x86-64", "cpu:sm_80", "SM_80"})
    EXPECT_THROW(parse_target(name), KeyError) << name;
  try {
    parse_target("sm_8");
    FAIL();
  } catch (const KeyError &error) {
    EXPECT_STREQ(error.what(),
                 "no target is called `sm_8`; did you mean `sm_80`?\n"
                 "there are cpu (this machine), cpu:x86-64, cpu:x86-64-v3, "
                 "cpu:x86-64-v4, cpu:x86-64-v4-bf16, cpu:x86-64-v4-amx, "
                 "cpu:aarch64, sm_80, sm_86, sm_89, sm_90, sm_90a, sm_100a, "
                 "sm_120");
  }
}

} // namespace
} // namespace attn_grid
