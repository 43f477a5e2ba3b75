"""Do the inputs and answers of live traffic still look like those that the model was trained and measured on? Judged per window, with a memory."""
