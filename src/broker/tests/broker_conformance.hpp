#pragma once
// What every implementation of Broker has to do. Instantiate the suite with a factory:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, BrokerConformance, testing::Values(BrokerFactory{...}));

#include "broker/tests/conformance_claims.hpp"
#include "broker/tests/conformance_history.hpp"
#include "broker/tests/conformance_queue.hpp"
