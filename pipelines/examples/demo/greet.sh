#!/bin/sh
echo "Hello, ${WHO:-world}!"
