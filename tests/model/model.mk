# make model searches every state of the formal model at the sizes of specs/model.md; MODEL=name... some checks alone.
.PHONY: model
model:
	$(Q).ci/deps model
	$(Q)tests/model/run.sh $(B) $(MODEL)
