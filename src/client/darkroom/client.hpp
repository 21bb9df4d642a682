#pragma once
// Everything that a program needs to drive a server.

#include "client/blocking_client.hpp"
#include "client/client.hpp"
#include "client/picture_prompt.hpp"
