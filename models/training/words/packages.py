"""Where pictures and their words come from. All of them may be trained on: MIT or Apache-2.0 (README.md: the credits)."""
from sources import Package

GOOGLE = Package("npm", "emoji-datasource-google", "16.0.0", "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438", "MIT; pictures Apache-2.0")
FLUENT = Package("npm", "@lobehub/fluent-emoji-3d", "1.1.0", "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58", "MIT")
WORDS = Package("npm", "emojilib", "4.0.3", "7f9a6b43cff31d18985b7d65d11faba5bd971cbcc60020cf6d09322fbaaaf303", "MIT")
