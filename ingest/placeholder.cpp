// Goes with the first source file of this layer.
