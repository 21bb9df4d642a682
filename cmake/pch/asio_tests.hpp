// asio.hpp for the tests of its modules: they all include GoogleTest, and have compiler flags of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "asio.hpp"
