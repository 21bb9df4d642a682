// Makes the folder a library until its first source lands.
