package main

import (
	"net/http"
	"os"

	"github.com/google/uuid"
)

func main() {
	http.HandleFunc("/health", func(answer http.ResponseWriter, _ *http.Request) {
		answer.Write([]byte(uuid.NewString()))
	})
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
