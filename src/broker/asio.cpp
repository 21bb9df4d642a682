// The compiled part of Boost.Asio, once for every program that uses this library (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
