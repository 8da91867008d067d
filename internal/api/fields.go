package api

import (
	"context"
	"net/http"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
)

const tagFields = "Custom fields"

// fields declares what products store beside what every product has.
func (s *API) fields() {
	type nothing struct{}
	register(s, op{
		method: http.MethodGet, path: "/fields", id: "list-fields", tag: tagFields, summary: "The custom fields of products", action: policy.ProductList,
		about: "In the order in which they are filled in. Values are text: a number in digits, a date as 2030-12-31, a person as the id of the account, an option as its ref, several options as a JSON array of refs.",
	},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.FieldList, error) {
			return s.app.Fields(ctx, c)
		})

	type Field struct {
		Key string `path:"key" maxLength:"60" doc:"Letters, digits, _, - and .; \"order\" is taken"`
	}
	type put struct {
		Field
		Changing
		IfNoneMatch string `header:"If-None-Match" doc:"* refuses a key that is defined already"`
		Body        app.FieldInput
	}
	register(s, op{
		method: http.MethodPut, path: "/fields/{key}", id: "set-field", tag: tagFields, summary: "Define or change a custom field", action: policy.FieldManage,
		about: "Changing a definition loses nothing: values that no longer fit are kept, and told in custom_problems of their product.",
	},
		at(func(ctx context.Context, c app.Caller, in *put, version int64) (app.FieldView, error) {
			if in.IfNoneMatch != "" && in.IfNoneMatch != "*" {
				return app.FieldView{}, fault.New(fault.Invalid, "request.if_none_match", "If-None-Match takes only *").With("header.If-None-Match", "expected *")
			}
			return s.app.PutField(ctx, c, in.Key, version, in.IfNoneMatch == "*", in.Body)
		}))

	type remove struct {
		Field
		Changing
	}
	do(s, op{
		method: http.MethodDelete, path: "/fields/{key}", id: "remove-field", tag: tagFields, summary: "No longer define a custom field", action: policy.FieldManage,
		about: "Products keep what they store in it. Defining the key again brings it back where it stood.",
	},
		func(ctx context.Context, c app.Caller, in *remove) error {
			version, err := ifMatch(in.IfMatch)
			if err != nil {
				return err
			}
			return s.app.RemoveField(ctx, c, in.Key, version)
		})

	type order struct {
		Changing
		Body struct {
			Keys []string `json:"keys" maxItems:"100" doc:"Each defined field once"`
		}
	}
	register(s, op{method: http.MethodPut, path: "/fields/order", id: "order-fields", tag: tagFields, summary: "Put the custom fields in an order", action: policy.FieldManage},
		at(func(ctx context.Context, c app.Caller, in *order, version int64) (app.FieldList, error) {
			return s.app.OrderFields(ctx, c, version, in.Body.Keys)
		}))

	type try struct{ Body app.FieldTry }
	register(s, op{
		method: http.MethodPost, path: "/fields/try", id: "try-field", tag: tagFields, summary: "Hold a value against a definition", action: policy.FieldManage,
		about: "Nothing is stored.",
	},
		func(ctx context.Context, c app.Caller, in *try) (app.FieldTried, error) {
			return s.app.TryField(ctx, c, in.Body)
		})

	type fill struct {
		InProduct
		Changing
		Body struct {
			Custom map[string]string `json:"custom" doc:"Values by key; \"\" takes a value away, what is left out stays"`
		}
	}
	register(s, op{
		method: http.MethodPatch, path: "/products/{product}/custom", id: "fill-custom", tag: tagFields, summary: "Fill in custom fields of a product", action: policy.FieldFill,
		about: "As far as each field allows the caller's role. A value that does not fit is refused at body.custom.KEY.",
	},
		at(func(ctx context.Context, c app.Caller, in *fill, version int64) (app.ProductView, error) {
			return s.app.FillCustom(ctx, c, in.Product, version, in.Body.Custom)
		}))
}
