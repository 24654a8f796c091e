package vault

import (
	"maps"
	"slices"
	"testing"

	"tokenkeeper/credential"
	"tokenkeeper/internal/postgrestest"
)

// backend is a database that a vault can lie in.
type backend struct {
	name string
	// fresh names a place where there is no vault yet.
	fresh func(t testing.TB, f *fixture)
}

var (
	onSQLite   = backend{"sqlite", func(testing.TB, *fixture) {}} // newFixture has named a file
	onPostgres = backend{"postgres", func(t testing.TB, f *fixture) {
		t.Helper()
		f.path, f.url = "", credential.NewSecret(postgrestest.URL(t))
	}}
	backends = []backend{onSQLite, onPostgres}
)

func (b backend) newFixture(t testing.TB) fixture {
	t.Helper()
	f := newFixture(t)
	b.fresh(t, &f)
	return f
}

func (b backend) newVault(t testing.TB) (*Vault, *testClock) {
	t.Helper()
	f := b.newFixture(t)
	return f.open(t), f.clock
}

// conformance is what every database has to do. What one of them does in its own way is tested beside it.
var conformance = map[string]func(*testing.T, backend){
	"AuthorizationRoundTrip":                    testAuthorizationRoundTrip,
	"AuthorizationsThatAreRefused":              testAuthorizationsThatAreRefused,
	"AdoptIsIdempotent":                         testAdoptIsIdempotent,
	"IdentifiedBeforeItIsAdopted":               testAnAuthorizationIsIdentifiedBeforeItIsAdopted,
	"ManyAdoptOneAuthorization":                 testManyAdoptOneAuthorization,
	"ReauthorizationIsTheNextGeneration":        testReauthorizationIsTheNextGeneration,
	"OneOwnerPerGrant":                          testOneOwnerPerGrant,
	"OneOwnerWinsTheRace":                       testOneOwnerWinsTheRace,
	"TheIndexRefusesASecondOwnerToo":            testTheIndexRefusesASecondOwnerToo,
	"AnotherSubjectFreesTheFirst":               testAnotherSubjectFreesTheFirst,
	"WhatWaitsIsListed":                         testWhatWaitsIsListed,
	"ExpiredAuthorizationsAreGone":              testExpiredAuthorizationsAreGone,
	"QuarantinedTokensAreAdoptedOnPurposeOnly":  testQuarantinedTokensAreAdoptedOnPurposeOnly,
	"QuarantineEnds":                            testQuarantineEnds,
	"StrayIsSharedWithTokensOfItsSubject":       testStrayIsSharedWithTokensOfItsSubject,
	"WhatIsReplacedStaysToBeRevoked":            testWhatIsReplacedStaysToBeRevoked,
	"AccountsListsNoSecrets":                    testAccountsListsNoSecrets,
	"Session":                                   testSession,
	"SessionsThatAreOver":                       testSessionsThatAreOver,
	"RecordRoundTrip":                           testRecordRoundTrip,
	"GetOfAnUnknownAccount":                     testGetOfAnUnknownAccount,
	"AuditTrailHasTheConsentsThatNobodyTook":    testAuditTrailHasTheConsentsThatNobodyTook,
	"OneOfManyOfOneSubjectIsTheLast":            testOneOfManyOfOneSubjectIsTheLast,
	"SwapMovesOneGenerationOn":                  testSwapMovesOneGenerationOn,
	"SwapKeepsWhatTheAnswerLeavesOut":           testSwapKeepsWhatTheAnswerLeavesOut,
	"LateSwapIsFenced":                          testLateSwapIsFenced,
	"WritesToAnUnknownAccount":                  testWritesToAnUnknownAccount,
	"TokensWithoutAnAccessTokenAreNeverStored":  testTokensWithoutAnAccessTokenAreNeverStored,
	"PresentIsWrittenAheadAndCounted":           testPresentIsWrittenAheadAndCounted,
	"WithdrawTakesBackOnePresentation":          testWithdrawTakesBackOnePresentation,
	"OneWinnerPerGeneration":                    testOneWinnerPerGeneration,
	"OneOfManyPresents":                         testOneOfManyPresents,
	"SwapWithoutAFileInReach":                   testSwapWithoutAFileInReach,
	"LoginIsTakenOnce":                          testLoginIsTakenOnce,
	"LoginWithoutAVerifier":                     testLoginWithoutAVerifier,
	"OneOfManyTakesTheLogin":                    testOneOfManyTakesTheLogin,
	"ExpiredLoginIsNeitherReturnedNorKept":      testExpiredLoginIsNeitherReturnedNorKept,
	"LoginsThatAreRefused":                      testLoginsThatAreRefused,
	"LinkIsBoundToOneBrowserAndSpentOnce":       testLinkIsBoundToOneBrowserAndSpentOnce,
	"LinkIsBoundToOnePerson":                    testLinkIsBoundToOnePerson,
	"NewLinkVoidsTheOld":                        testNewLinkVoidsTheOld,
	"LettersShareALink":                         testLettersShareALink,
	"ALetterVoidsNoLinkInUse":                   testALetterVoidsNoLinkInUse,
	"ASharedLinkIsSealed":                       testASharedLinkIsSealed,
	"LinksEnd":                                  testLinksEnd,
	"LinkWithACode":                             testLinkWithACode,
	"LinkOfOnePerson":                           testLinkOfOnePerson,
	"WrongCodesVoidTheLink":                     testWrongCodesVoidTheLink,
	"DeliveriesAreRememberedByAllProcesses":     testDeliveriesAreRememberedByAllProcesses,
	"DeliveriesAreForgotten":                    testDeliveriesAreForgotten,
	"DeliveriesThatAreRefused":                  testDeliveriesThatAreRefused,
	"BudgetIsOfAllProcessesAndOfADay":           testBudgetIsOfAllProcessesAndOfADay,
	"BudgetTellsSinceWhenNothingComesOfIt":      testBudgetTellsSinceWhenNothingComesOfIt,
	"ShredOfAnUnknownAccount":                   testShredOfAnUnknownAccount,
	"GenerationsGoOnAfterShred":                 testGenerationsGoOnAfterShred,
	"ShredFreesTheGrant":                        testShredFreesTheGrant,
	"ShredSparesWhatCameAfter":                  testShredSparesWhatCameAfter,
	"WhatWasNotRevokedIsKnownUntilTheNextGrant": testWhatWasNotRevokedIsKnownUntilTheNextGrant,
	"ReadersDoNotWaitForAWriter":                testReadersDoNotWaitForAWriter,
	"AlteredBytesDoNotOpen":                     testAlteredBytesDoNotOpen,
	"TamperedRecordsDoNotOpen":                  testTamperedRecordsDoNotOpen,
	"SwappedAccessDoesNotEnterTheCache":         testSwappedAccessDoesNotEnterTheCache,
	"TamperedAuthorizationDoesNotOpen":          testTamperedAuthorizationDoesNotOpen,
	"TamperedLoginDoesNotOpen":                  testTamperedLoginDoesNotOpen,
	"RowsThatNameNoAccount":                     testRowsThatNameNoAccount,
	"CarriedTokensAreBound":                     testCarriedTokensAreBound,
	"CarriedTokensEndWithTheirGeneration":       testCarriedTokensEndWithTheirGeneration,
	"RowsWithoutTheirDataKeyDoNotOpen":          testRowsWithoutTheirDataKeyDoNotOpen,
	"EachGenerationHasItsOwnKey":                testEachGenerationHasItsOwnKey,
	"RowsOfBeforeDataKeysGoOn":                  testRowsOfBeforeDataKeysGoOn,
	"SealedThingThatIsNoTokens":                 testSealedThingThatIsNoTokens,
	"CacheReadsOnceWhileTheTokenIsGood":         testCacheReadsOnceWhileTheTokenIsGood,
	"ExpiredTokenMakesTheCacheLookAgain":        testExpiredTokenMakesTheCacheLookAgain,
	"TokenThatNeverExpiresIsReadOnce":           testTokenThatNeverExpiresIsReadOnce,
	"ReloadSeesWhatAnyProcessWrote":             testReloadSeesWhatAnyProcessWrote,
	"ASweepForgetsWhatAnyProcessTookAway":       testASweepForgetsWhatAnyProcessTookAway,
	"UnknownAccountIsNotRemembered":             testUnknownAccountIsNotRemembered,
	"ShreddedAccountLeavesTheCache":             testShreddedAccountLeavesTheCache,
	"ManyMissesOfManyAccounts":                  testManyMissesOfManyAccounts,
	"CacheUnderConcurrentSwaps":                 testCacheUnderConcurrentSwaps,
	"ProcessesShareTheFile":                     testProcessesShareTheFile,
	"ManyCreateTheVaultAtOnce":                  testManyCreateTheVaultAtOnce,
	"WrongKeyIsNamedAtOnce":                     testWrongKeyIsNamedAtOnce,
	"WrongKeyNamesEveryKeyThatWasUsed":          testWrongKeyNamesEveryKeyThatWasUsed,
	"AlteredCanaryIsToldFromAWrongKey":          testAlteredCanaryIsToldFromAWrongKey,
	"KilledTransactionLeavesNothing":            testKilledTransactionLeavesNothing,
	"OperationsAreWholeOrNothing":               testOperationsAreWholeOrNothing,
	"CarriedTokensAreStoredOrOpenStill":         testCarriedTokensAreStoredOrOpenStill,
	"StepsOfARotationAreWholeOrNothing":         testStepsOfARotationAreWholeOrNothing,
	"SkewedClocksFenceAlike":                    testSkewedClocksFenceAlike,
	"OneClockDoesNotDeleteWhatIsGoodForAnother": testOneClockDoesNotDeleteWhatIsGoodForAnother,
	"AClockThatJumpsAYear":                      testAClockThatJumpsAYear,
	"RotationSealsEverythingAnew":               testRotationSealsEverythingAnew,
	"WorkersFollowARotation":                    testWorkersFollowARotation,
	"DroppedKeysLeaveTheMemoryOfWorkers":        testDroppedKeysLeaveTheMemoryOfWorkers,
	"RotationsWhileWorkersRun":                  testRotationsWhileWorkersRun,
	"RotationThatEndsAnywhereIsFinished":        testRotationThatEndsAnywhereIsFinished,
	"KilledRotationsAreFinished":                testKilledRotationsAreFinished,
	"OldKeysAreKeptWhileTheyMayBeNeeded":        testOldKeysAreKeptWhileTheyMayBeNeeded,
	"StagedKeyReachesAllMachinesFirst":          testStagedKeyReachesAllMachinesFirst,
	"VerifyCountsAndChangesNothing":             testVerifyCountsAndChangesNothing,
	"VerifyNamesWhatIsDamaged":                  testVerifyNamesWhatIsDamaged,
	"VerifyTellsOfAMissingKey":                  testVerifyTellsOfAMissingKey,
	"VerifyMakesNoVault":                        testVerifyMakesNoVault,
	"PingReads":                                 testPingReads,
	"OldVaultIsBroughtUpToDate":                 testOldVaultIsBroughtUpToDate,
	"NewerSchemaIsRefused":                      testNewerSchemaIsRefused,
	"AuditTrailHasWhatBecomesOfGrants":          testAuditTrailHasWhatBecomesOfGrants,
	"AuditTrailIsNewestFirst":                   testAuditTrailIsNewestFirst,
	"AuditTrailOfATriage":                       testAuditTrailOfATriage,
	"AuditLogIsOnlyAddedTo":                     testAuditLogIsOnlyAddedTo,
	"AuditKeepsWhatStrangersWrite":              testAuditKeepsWhatStrangersWrite,
	"EventsThatAreRefused":                      testEventsThatAreRefused,
}

func TestConformance(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			for _, name := range slices.Sorted(maps.Keys(conformance)) {
				t.Run(name, func(t *testing.T) { conformance[name](t, b) })
			}
		})
	}
}
